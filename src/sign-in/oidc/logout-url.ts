import { buildEndSessionUrl } from 'openid-client';
import type { Providers } from './providers.ts';

export interface LogoutOrder {
  readonly provider: string;
  /** ID token of the session that ends, where there is one. */
  readonly idToken: string | undefined;
  /** `authority` of the canonical request: host with port. */
  readonly authority: string;
}

/** Where the provider sends the browser back; has to be registered there. */
const AFTERWARDS = '/.sallyport/sign-in';
/** A hint that makes the URL longer than what servers take is left out; the provider then asks the user. */
const MAX_URL = 6_000;

/**
 * Gives where a browser has to go so that the provider signs the user out, too (OpenID Connect RP-Initiated Logout §2);
 * `undefined` when it need not: the provider offers nothing of the kind, is not known, or the settings say so.
 */
export function logoutUrl(providers: Providers, order: LogoutOrder): string | undefined {
  const offered = providers.list().some(({ name }) => name === order.provider);
  if (!offered) return undefined;
  const { config, known } = providers.get(order.provider);
  if (config.logout === 'local' || known?.metadata.end_session_endpoint === undefined) return undefined;
  const back = { post_logout_redirect_uri: `https://${order.authority}${AFTERWARDS}` };
  const hint = order.idToken === undefined ? {} : { id_token_hint: order.idToken };
  const { href } = buildEndSessionUrl(known.client, { ...back, ...hint });
  return href.length <= MAX_URL ? href : buildEndSessionUrl(known.client, back).href;
}
