import { fetchUserInfo } from 'openid-client';
import type { OidcProviderConfig } from '../../config/config.ts';
import { type Claims, isIncomplete } from './claims-to-facts.ts';
import type { KnownProvider } from './provider.ts';

/**
 * Gives what userinfo says, nothing where it is not needed or not offered (OpenID Connect Core §5.3).
 *
 * @throws errors of the client library. Security: an answer about another subject is one.
 */
export async function userinfoFor(order: {
  readonly known: KnownProvider;
  readonly config: OidcProviderConfig;
  readonly claims: Claims & { readonly sub: string };
  readonly accessToken: string;
}): Promise<Claims> {
  const { known, config, claims, accessToken } = order;
  const isOffered = known.metadata.userinfo_endpoint !== undefined;
  if (!isOffered || !isIncomplete(claims, config)) return {};
  return fetchUserInfo(known.client, accessToken, claims.sub);
}
