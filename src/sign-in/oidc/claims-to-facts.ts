import type { OidcProviderConfig } from '../../config/config.ts';
import { claimValues } from '../../lib/claim-path.ts';
import { emailAddress } from '../../lib/email-address.ts';
import { isPlainName } from '../../lib/plain-name.ts';
import { flowFailure } from './flow-failure.ts';

export type Claims = Readonly<Record<string, unknown>>;

/** Who signed in, as the provider says and the configuration reads it. */
export interface UserFacts {
  readonly user: string;
  readonly groups: readonly string[];
  /** Verified by the provider, ASCII letters in lower case. */
  readonly email: string | undefined;
}

/** Says whether the ID token alone leaves something open that userinfo may tell. */
export function isIncomplete(idToken: Claims, config: OidcProviderConfig): boolean {
  const paths = [config.user, config.email, ...(config.groups === undefined ? [] : [config.groups])];
  return paths.some((path) => claimValues(idToken, path).length === 0);
}

/**
 * Gives who signed in. Each fact is that of the ID token, and that of userinfo where the ID token is silent.
 *
 * @throws SP_SIGN_IN_FLOW `no-user`, `email-unverified` where an address is the user name or its domain is judged, and `email-domain`
 *
 * Security: an address counts only when the provider says that it verified it (OpenID Connect Core §5.1), and its
 * domain is compared whole, in ASCII.
 */
export function factsOf(idToken: Claims, userinfo: Claims, config: OidcProviderConfig): UserFacts {
  const user = userName(idToken, userinfo, config);
  const email = verifiedEmail(idToken, config.email) ?? verifiedEmail(userinfo, config.email);
  checkDomain(email, config);
  const groups = config.groups === undefined ? [] : valuesAt([idToken, userinfo], config.groups);
  return { user, groups: groups.filter(isPlainName), email };
}

function userName(
  idToken: Claims,
  userinfo: Claims,
  { name, user: path, email }: OidcProviderConfig,
): string {
  if (path === email || /(?:^|\.)email$/.test(path)) {
    // At some providers anybody may claim any address: unverified, it would sign them in as its owner.
    const address = verifiedEmail(idToken, path) ?? verifiedEmail(userinfo, path);
    if (address !== undefined) return address;
    throw flowFailure('email-unverified', name, `there is no verified email address at ${path}`);
  }
  const [user, ...more] = valuesAt([idToken, userinfo], path);
  if (user !== undefined && more.length === 0 && isPlainName(user)) return user;
  throw flowFailure('no-user', name, `there is no user name at ${path}`);
}

function valuesAt(sources: readonly Claims[], path: string): readonly string[] {
  for (const claims of sources) {
    const values = claimValues(claims, path);
    if (values.length > 0) return values;
  }
  return [];
}

function verifiedEmail(claims: Claims, path: string): string | undefined {
  const [text, ...more] = claimValues(claims, path);
  if (text === undefined || more.length > 0) return undefined;
  const beside = `${path.slice(0, path.lastIndexOf('.') + 1)}email_verified`;
  const verdicts = [...new Set(['email_verified', beside])].flatMap((at) => claimValues(claims, at));
  // Compared as text, since some providers write the boolean as such.
  const isVerified = verdicts.length > 0 && verdicts.every((verdict) => verdict === 'true');
  return isVerified ? emailAddress(text) : undefined;
}

function checkDomain(email: string | undefined, { name, allowedEmailDomains }: OidcProviderConfig): void {
  if (allowedEmailDomains.length === 0) return;
  if (email === undefined) throw flowFailure('email-unverified', name, 'there is no verified email address');
  const domain = email.slice(email.indexOf('@') + 1);
  if (!allowedEmailDomains.includes(domain))
    throw flowFailure('email-domain', name, 'the domain of the email address is not allowed');
}
