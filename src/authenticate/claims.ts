import { claimValues } from '../lib/claim-path.ts';
import { emailAddress } from '../lib/email-address.ts';
import { isPlainName } from '../lib/plain-name.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Gives the user name at a claim path, or `undefined` unless it is one text of 1 to 256 characters without control characters. */
export function userAt(claims: Claims, path: string): string | undefined {
  const [user, ...more] = claimValues(claims, path);
  return user !== undefined && more.length === 0 && isPlainName(user) ? user : undefined;
}

/** Gives the groups at a claim path: an array of names, or one name. What is no name is left out. */
export function groupsAt(claims: Claims, path: string | undefined): readonly string[] {
  return path === undefined ? [] : claimValues(claims, path).filter(isPlainName);
}

/**
 * Gives the address at a claim path in lower case, or `undefined` when there is none, it is not one address, or the
 * issuer says that it did not verify it (`email_verified`, OpenID Connect Core §5.1, at the top or beside the address).
 */
export function emailAt(claims: Claims, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  const email = userAt(claims, path);
  if (email === undefined) return undefined;
  const beside = path.slice(0, path.lastIndexOf('.') + 1);
  // Compared as text, since some issuers write the boolean as such.
  const verdicts = ['email_verified', `${beside}email_verified`].flatMap((at) => claimValues(claims, at));
  return verdicts.includes('false') ? undefined : emailAddress(email);
}
