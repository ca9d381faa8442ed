/**
 * Gives the texts found at a dotted path of a JSON object: a string, number or boolean as one text, an array as its
 * members; nothing for everything else. A member whose own name holds the dots (`https://example.com/groups`) wins.
 *
 * @param path - e.g. `realm_access.roles`
 */
export function claimValues(claims: Readonly<Record<string, unknown>>, path: string): string[] {
  return texts(at(claims, path));
}

function at(claims: Readonly<Record<string, unknown>>, path: string): unknown {
  if (Object.hasOwn(claims, path)) return claims[path];
  let value: unknown = claims;
  for (const step of path.split('.')) {
    if (!isRecord(value) || !Object.hasOwn(value, step)) return undefined;
    value = value[step];
  }
  return value;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function texts(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap((member) => (Array.isArray(member) ? [] : texts(member)));
  if (typeof value === 'string') return [value];
  return typeof value === 'number' || typeof value === 'boolean' ? [String(value)] : [];
}
