import { isDeepStrictEqual } from 'node:util';
import { decodeJwt } from 'jose';
import { fetchUserInfo, refreshTokenGrant } from 'openid-client';
import type { OidcProviderConfig } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Session, SessionTokens } from '../../sessions/session.ts';
import { type Claims, factsOf, type UserFacts } from './claims-to-facts.ts';
import { flowFailure } from './flow-failure.ts';
import type { KnownProvider } from './provider.ts';
import { failureOf } from './provider-failure.ts';
import type { ProviderSessions } from './provider-sessions.ts';
import { tokensOf } from './tokens-of.ts';
import { userinfoFor } from './userinfo.ts';
import { verifyIdToken } from './verify-id-token.ts';

export interface RefreshParts {
  readonly known: KnownProvider;
  readonly config: OidcProviderConfig;
  readonly sessions: ProviderSessions;
  readonly clock: Clock;
}

/** A session of a provider and its tokens, read together. */
export interface ProvidedSession {
  readonly session: Session;
  readonly tokens: SessionTokens;
}

/**
 * Redeems the refresh token of a session and writes what came of it (OpenID Connect Core §12).
 *
 * @returns false when the session ended meanwhile
 * @throws SP_SIGN_IN_FLOW when the provider does not vouch for the user as before, SP_SIGN_IN_PROVIDER, SP_STATE_UNREACHABLE
 *
 * The new refresh token is written before anything else is asked: the old one may be worth nothing by now.
 */
export async function redeemRefresh(
  parts: RefreshParts,
  { session, tokens: before }: ProvidedSession,
): Promise<boolean> {
  const { known, config, sessions, clock } = parts;
  if (before.refreshToken === undefined) return true;
  try {
    const answer = await refreshTokenGrant(known.client, before.refreshToken);
    const tokens = tokensOf(answer, config, clock, before);
    if (tokens.refreshToken !== before.refreshToken) {
      await sessions.renew(session.id, { tokens: { ...before, refreshToken: tokens.refreshToken } });
    }
    const facts = await presentFacts(parts, { session, tokens: before }, answer);
    if (facts !== undefined && facts.user !== session.user)
      throw flowFailure('other-user', config.name, 'the user has another name now');
    return await sessions.renew(session.id, { tokens, ...changeOf(session, facts) });
  } catch (thrown) {
    throw failureOf(thrown, config.name);
  }
}

function changeOf(session: Session, facts: UserFacts | undefined): Partial<UserFacts> {
  if (facts === undefined) return {};
  const { groups, email } = facts;
  return email === session.email && isDeepStrictEqual(groups, session.groups) ? {} : { groups, email };
}

/** Gives what the provider says now; `undefined` when it says nothing but that the token was good. */
async function presentFacts(
  { known, config }: RefreshParts,
  { session, tokens }: ProvidedSession,
  answer: { readonly id_token?: string; readonly access_token: string },
): Promise<UserFacts | undefined> {
  const subject = session.provider?.subject ?? '';
  if (answer.id_token !== undefined) {
    const claims = await verifyIdToken(answer.id_token, known, config);
    if (claims.sub !== subject) throw flowFailure('other-user', config.name);
    const userinfo = await userinfoFor({ known, config, claims, accessToken: answer.access_token });
    return factsOf(claims, userinfo, config);
  }
  if (known.metadata.userinfo_endpoint === undefined) return undefined;
  const userinfo = await fetchUserInfo(known.client, answer.access_token, subject);
  // What userinfo does not tell is as the ID token said that was verified at the sign-in.
  const earlier: Claims = tokens.idToken === undefined ? {} : decodeJwt(tokens.idToken);
  return factsOf(userinfo, earlier, config);
}
