import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import type { Clock } from '../../lib/clock.ts';
import type { Session } from '../../sessions/session.ts';
import type { Store } from '../../state/store.ts';
import { brake } from './begin-brake.ts';
import { makeFlowCookie } from './flow-cookie.ts';
import type { Flow, FlowStore } from './flow-store.ts';
import type { Providers } from './providers.ts';
import { redirectUri } from './redirect-uri.ts';

export interface BeginOrder {
  readonly provider: string;
  /** `authority` of the canonical request: host with port. */
  readonly authority: string;
  /** Path with query on the same host, judged already. */
  readonly returnTo: string;
  /** The session that is stepped up; `undefined` for a sign-in. */
  readonly session: Pick<Session, 'id' | 'provider'> | undefined;
  /** The request's `Cookie` field. */
  readonly cookie: string | undefined;
  /** IP address of the client. */
  readonly address: string;
}

export interface Begun {
  /** Where the browser has to go. */
  readonly location: string;
  /** Values of `Set-Cookie`, each a field of its own. Security: for answers to navigations only. */
  readonly setCookies: readonly string[];
}

export interface BeginParts {
  readonly providers: Providers;
  readonly flows: FlowStore;
  readonly store: Pick<Store, 'counters'>;
  readonly clock: Clock;
}

/**
 * Begins a sign-in: authorization code with PKCE (RFC 7636), state and nonce, each flow with its own.
 *
 * A step-up demands that the user proves anew who they are (`max_age=0`, OpenID Connect Core §3.1.2.1).
 * @throws SP_SIGN_IN_PROVIDER, SP_AUTHENTICATE_THROTTLED, SP_STATE_UNREACHABLE
 */
export async function begin(parts: BeginParts, order: BeginOrder): Promise<Begun> {
  const { providers, flows, store, clock } = parts;
  const provider = providers.get(order.provider);
  await brake(store.counters, order.address, clock);
  const { client } = await provider.ready();
  const state = randomState();
  const nonce = randomNonce();
  const codeVerifier = randomPKCECodeVerifier();
  const startedAtMs = clock();
  const { browserHash, setCookies } = makeFlowCookie(state, order.cookie, startedAtMs);
  const flow: Flow = {
    provider: order.provider,
    authority: order.authority,
    returnTo: sameHostPath(order.returnTo),
    sessionId: order.session?.id,
    subject: order.session?.provider?.subject,
    nonce,
    codeVerifier,
    browserHash,
    startedAtMs,
    used: false,
  };
  await flows.save(state, flow);
  const { scopes } = provider.config;
  const location = buildAuthorizationUrl(client, {
    redirect_uri: redirectUri(order.authority, order.provider).href,
    scope: scopes.join(' '),
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
    ...promptOf(order, scopes),
  });
  return { location: location.href, setCookies };
}

function promptOf({ session }: BeginOrder, scopes: readonly string[]): Record<string, string> {
  const prompts = session === undefined ? [] : ['login'];
  // OpenID Connect Core §11: offline access is given only with consent.
  if (scopes.includes('offline_access')) prompts.push('consent');
  return {
    ...(prompts.length > 0 ? { prompt: prompts.join(' ') } : {}),
    ...(session === undefined ? {} : { max_age: '0' }),
  };
}

/** Security: a second look, in case a caller forgot the first: a browser must read it as a path of this host. */
function sameHostPath(returnTo: string): string {
  const base = 'https://this.invalid';
  const url = returnTo.startsWith('/') ? URL.parse(returnTo, base) : null;
  return url !== null && url.origin === base ? url.pathname + url.search : '/';
}
