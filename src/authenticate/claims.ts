/** Control characters would end up in header fields and logs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const MAX_NAME_CHARS = 256;
/** One `@`, something on both sides, no spaces: what an exact comparison with a policy can rest on. */
const EMAIL = /^[^\s@]+@[^\s@]+$/;

export type Claims = Readonly<Record<string, unknown>>;

/**
 * Gives the value at a dotted path, e.g. `realm_access.roles`. A claim whose own name is the whole path comes first, so
 * that names with dots, such as `https://example.com/groups`, can be reached.
 *
 * Security: only own members are read, so `__proto__` and `constructor` lead nowhere.
 */
export function claimAt(claims: Claims, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = Reflect.get(value, name);
  }
  return value;
}

/** Gives the user name at the path, or `undefined` when it is no text of 1 to 256 characters without control characters. */
export function userAt(claims: Claims, path: string): string | undefined {
  const value = claimAt(claims, path);
  return typeof value === 'string' && isName(value) ? value : undefined;
}

/** Gives the groups at the path: an array of names, or one name. What is no name is left out. */
export function groupsAt(claims: Claims, path: string | undefined): readonly string[] {
  if (path === undefined) return [];
  const value = claimAt(claims, path);
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((group): group is string => typeof group === 'string' && isName(group));
}

/**
 * Gives the address at the path in lower case, or `undefined` when there is none, it is not one address, or the
 * issuer says that it did not verify it (`email_verified` beside the address, OpenID Connect Core §5.1).
 */
export function emailAt(claims: Claims, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const value = claimAt(claims, path);
  if (typeof value !== 'string' || !isName(value) || !EMAIL.test(value)) return undefined;
  const parent = path.includes('.') ? path.slice(0, path.lastIndexOf('.') + 1) : '';
  const verdicts = [claimAt(claims, `${parent}email_verified`), claimAt(claims, 'email_verified')];
  // Some issuers write the boolean as text.
  if (verdicts.some((verdict) => verdict === false || verdict === 'false')) return undefined;
  return value.toLowerCase();
}

function isName(value: string): boolean {
  return value !== '' && value.length <= MAX_NAME_CHARS && !CONTROL.test(value);
}
