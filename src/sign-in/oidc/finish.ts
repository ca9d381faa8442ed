import { authorizationCodeGrant } from 'openid-client';
import type { OidcProviderConfig } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SessionProvider, SessionTokens } from '../../sessions/session.ts';
import { type Claims, factsOf, type UserFacts } from './claims-to-facts.ts';
import { endFlowCookie, isSameBrowser } from './flow-cookie.ts';
import { flowFailure } from './flow-failure.ts';
import type { Flow, FlowStore } from './flow-store.ts';
import type { KnownProvider } from './provider.ts';
import { failureOf, refusal } from './provider-failure.ts';
import type { ProviderSessions } from './provider-sessions.ts';
import type { Providers } from './providers.ts';
import { redirectUri } from './redirect-uri.ts';
import { tokensOf } from './tokens-of.ts';
import { userinfoFor } from './userinfo.ts';
import { CLOCK_TOLERANCE_SEC, verifyIdToken } from './verify-id-token.ts';

export interface FinishOrder {
  /** From the path of the callback. */
  readonly provider: string;
  /** `authority` of the canonical request: host with port. */
  readonly authority: string;
  readonly query: URLSearchParams;
  /** The request's `Cookie` field. */
  readonly cookie: string | undefined;
}

/** What a session of a provider is made from. */
export interface SignedInFacts extends UserFacts {
  readonly provider: SessionProvider & { readonly subject: string };
  /** Seconds since the epoch at which the user last proved who they are, as the provider says; else now. */
  readonly authenticatedAtSec: number;
  readonly tokens: SessionTokens;
}

export type Finished =
  | {
      readonly kind: 'signed-in';
      /** The session that is stepped up; `undefined` for a sign-in. */
      readonly sessionId: string | undefined;
      readonly facts: SignedInFacts;
      readonly returnTo: string;
      readonly setCookies: readonly string[];
    }
  /** The flow is over: used, expired or never ours. Who has a live session may just go on. */
  | { readonly kind: 'stale'; readonly returnTo: string | undefined };

export interface FinishParts {
  readonly providers: Providers;
  readonly flows: FlowStore;
  readonly sessions: Pick<ProviderSessions, 'tokens'>;
  readonly clock: Clock;
}

/**
 * Finishes a sign-in: takes the flow, redeems the code, verifies who came. Each flow is finished at most once.
 *
 * @throws SP_SIGN_IN_FLOW with a `FlowReason`, SP_SIGN_IN_PROVIDER with a `ProviderReason`, SP_STATE_UNREACHABLE
 *
 * Security: nothing of the query is believed before the flow is known to be of this provider, host and browser.
 */
export async function finish(parts: FinishParts, order: FinishOrder): Promise<Finished> {
  const { providers, flows, sessions, clock } = parts;
  const provider = providers.get(order.provider);
  const state = oneOf(order, 'state');
  if (state === undefined) throw flowFailure('missing-state', order.provider);
  const found = await flows.find(state);
  if (found === undefined) return { kind: 'stale', returnTo: undefined };
  const { flow } = found;
  checkPlace(flow, order);
  const isSame = isSameBrowser(state, flow.browserHash, order.cookie);
  if (flow.used) return { kind: 'stale', returnTo: isSame ? flow.returnTo : undefined };
  if (!isSame) throw flowFailure('other-browser', order.provider);
  const known = await provider.ready();
  checkIssuer(known, order);
  if (!(await flows.take(state, found))) return { kind: 'stale', returnTo: flow.returnTo };
  const facts = await redeem({ known, config: provider.config, flow, sessions, clock }, order);
  return {
    kind: 'signed-in',
    sessionId: flow.sessionId,
    facts,
    returnTo: flow.returnTo,
    setCookies: [endFlowCookie(state)],
  };
}

function checkPlace(flow: Flow, { provider, authority }: FinishOrder): void {
  if (flow.provider !== provider) throw flowFailure('other-provider', provider);
  if (flow.authority !== authority) throw flowFailure('other-host', provider);
}

/** Security: RFC 9207 §2.4; a provider that announces `iss` and sends none was mixed up with another. */
function checkIssuer({ metadata }: KnownProvider, order: FinishOrder): void {
  const issuer = oneOf(order, 'iss');
  const isRight =
    issuer === undefined
      ? metadata.authorization_response_iss_parameter_supported !== true
      : issuer === metadata.issuer;
  if (!isRight) throw flowFailure('wrong-issuer', order.provider);
}

interface Redemption {
  readonly known: KnownProvider;
  readonly config: OidcProviderConfig;
  readonly flow: Flow;
  readonly sessions: FinishParts['sessions'];
  readonly clock: Clock;
}

async function redeem(
  { known, config, flow, sessions, clock }: Redemption,
  order: FinishOrder,
): Promise<SignedInFacts> {
  const error = oneOf(order, 'error');
  if (error !== undefined) throw refusal(error, config.name);
  const code = oneOf(order, 'code');
  if (code === undefined) throw flowFailure('malformed-callback', config.name);
  // The client library takes the redirect URI from this URL: it is made of what is configured and of nothing received.
  const current = redirectUri(flow.authority, config.name);
  current.search = new URLSearchParams({ code, iss: known.metadata.issuer }).toString();
  try {
    const answer = await authorizationCodeGrant(known.client, current, {
      pkceCodeVerifier: flow.codeVerifier,
      expectedNonce: flow.nonce,
      idTokenExpected: true,
    });
    const claims = await verifyIdToken(answer.id_token ?? '', known, config);
    const authTimeSec = checkAuthTime(claims, flow, config.name);
    if (flow.subject !== undefined && flow.subject !== claims.sub)
      throw flowFailure('other-user', config.name);
    // A provider may give no refresh token to whoever has one.
    const before = flow.sessionId === undefined ? undefined : await sessions.tokens(flow.sessionId);
    const userinfo = await userinfoFor({ known, config, claims, accessToken: answer.access_token });
    return {
      ...factsOf(claims, userinfo, config),
      provider: {
        name: config.name,
        subject: claims.sub,
        sid: typeof claims.sid === 'string' && claims.sid !== '' ? claims.sid : undefined,
      },
      authenticatedAtSec: authTimeSec ?? Math.floor(clock() / 1000),
      tokens: tokensOf(answer, config, clock, before),
    };
  } catch (thrown) {
    throw failureOf(thrown, config.name);
  }
}

/** Security: whoever steps up must have proved who they are after the flow began. */
function checkAuthTime(claims: Claims, flow: Flow, provider: string): number | undefined {
  const at = typeof claims.auth_time === 'number' ? Math.floor(claims.auth_time) : undefined;
  if (flow.sessionId === undefined) return at;
  const startedSec = Math.floor(flow.startedAtMs / 1000);
  if (at === undefined || at < startedSec - CLOCK_TOLERANCE_SEC)
    throw flowFailure('not-reauthenticated', provider);
  return at;
}

function oneOf({ query, provider }: FinishOrder, name: string): string | undefined {
  const values = query.getAll(name);
  if (values.length > 1) throw flowFailure('malformed-callback', provider, `several ${name}`);
  return values[0] === '' ? undefined : values[0];
}
