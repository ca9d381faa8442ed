import { GatewayError } from '../errors.ts';
import type { Arrived, Identity } from '../exchange.ts';
import type { TokenFacts } from '../sessions/revocation-list.ts';
import { hasScheme, token68Of } from './authorization-header.ts';
import { bearerChallenge } from './challenge.ts';
import { type Method, rejected, type Verdict } from './method.ts';
import { OWN_ISSUER } from './own-tokens.ts';
import type { TokenIssuer, VerifiedToken } from './token-issuer.ts';
import { readTokenShape } from './token-shape.ts';

export interface TokenMethodOptions {
  /** The configured issuers, and the gateway's own. Each issuer name once. */
  readonly issuers: readonly TokenIssuer[];
  readonly realm: string;
  readonly sessions: LiveSessions;
  /** Says, without I/O, whether a token was revoked. @throws SP_STATE_UNREACHABLE while that is not known */
  readonly isRevoked: (token: TokenFacts) => boolean;
}

interface LiveSession {
  readonly user: string;
  /** Name of the account that vouches for the user; then groups and email are what it says now. */
  readonly account?: string | undefined;
  readonly groups?: readonly string[];
  readonly email?: string | undefined;
  /** Seconds since the epoch. */
  readonly expiresAtSec: number;
  readonly authenticatedAtSec?: number | undefined;
  readonly secondFactorAtSec?: number | undefined;
}

/** The sessions a token may be bound to. */
export interface LiveSessions {
  /**
   * Gives the session, or `undefined` when it ended or never was.
   * @throws SP_STATE_UNREACHABLE
   */
  live(id: string): Promise<LiveSession | undefined>;
  /** Notes that the session was used, so that it does not end for idleness; no I/O. */
  touch(id: string): void;
  /** Longest silence after which a session ends, milliseconds. */
  readonly idleMs?: number;
}

/**
 * Gives the method `token`: a JWT in `Authorization: Bearer` (RFC 6750 §2.1, RFC 7519).
 * @throws SP_CONFIG_INVALID when two issuers have the same name
 *
 * Security: the issuer that a token claims only selects whose rules it must meet, by exact comparison; the signature is
 * checked with that issuer's key before any other claim is believed. A session-bound token counts only while its
 * session lives and belongs to the same user. A token of the gateway's own brings the groups and the email that the
 * account of its session has now, not those that were written into it.
 */
export function makeTokenMethod(options: TokenMethodOptions): Method {
  const issuers = byName(options.issuers);

  async function inspect({ request }: Arrived): Promise<Verdict> {
    const { authorization } = request;
    if (authorization === undefined || !hasScheme(authorization, 'bearer')) return { kind: 'absent' };
    const text = token68Of(authorization);
    if (text === undefined) return rejected('credential-malformed');
    const shape = readTokenShape(text);
    if ('kind' in shape) return shape;
    const issuer = issuers.get(shape.issuer);
    if (issuer === undefined) return rejected('token-issuer-unknown');
    const token = await issuer.verify(text, shape.header);
    return token.kind === 'rejected' ? token : admit(token, issuer.rules);
  }

  async function admit(
    token: VerifiedToken,
    { issuer, session: need }: TokenIssuer['rules'],
  ): Promise<Verdict> {
    if (options.isRevoked(token)) return rejected('token-revoked');
    if (need !== 'required') return verified(token, undefined);
    if (token.sessionId === undefined) return rejected('token-claims');
    const session = await options.sessions.live(token.sessionId);
    if (session?.user !== token.user) return rejected('session-ended');
    if (issuer !== OWN_ISSUER) return verified(token, session, options.sessions.idleMs);
    const { authenticatedAtSec, secondFactorAtSec } = session;
    const own = { ...token, authenticatedAtSec, secondFactorAtSec };
    const fresh =
      session.account === undefined ? own : { ...own, groups: session.groups ?? [], email: session.email };
    return verified(fresh, session, options.sessions.idleMs);
  }

  return {
    name: 'token',
    scheme: 'bearer',
    credential: ({ request: { authorization } }) =>
      authorization !== undefined && hasScheme(authorization, 'bearer') ? authorization : undefined,
    inspect,
    used: (_arrived, { ties }) => {
      if (ties.sessionId !== undefined) options.sessions.touch(ties.sessionId);
    },
    challenge: (verdict) => bearerChallenge(options.realm, verdict.kind === 'rejected'),
  };
}

/** @param session - the live session that the token is bound to; `undefined` when its issuer does not ask for one */
function verified(
  token: VerifiedToken & Partial<Pick<LiveSession, 'authenticatedAtSec' | 'secondFactorAtSec'>>,
  session: LiveSession | undefined,
  idleMs?: number,
): Verdict {
  const { user, groups, email, claims, jti, subject, issuedAtSec } = token;
  const sessionId = session && token.sessionId;
  const expiresAtSec = Math.min(token.expiresAtSec, session?.expiresAtSec ?? Number.POSITIVE_INFINITY);
  return {
    kind: 'verified',
    identity: { user, method: 'token', groups, email, claims, sessionId, expiresAtSec, ...proofsOf(token) },
    ties: {
      expiresAtSec,
      needsState: session !== undefined,
      account: session?.user,
      sessionId,
      jti,
      subject,
      issuedAtSec,
      ...(sessionId !== undefined && idleMs !== undefined && { idleMs }),
    },
  };
}

/** A token of another issuer may say when the person signed in there (OpenID Connect Core 1.0 §2, `auth_time`). */
function proofsOf(
  token: VerifiedToken & Partial<Pick<LiveSession, 'authenticatedAtSec' | 'secondFactorAtSec'>>,
): Pick<Identity, 'authenticatedAtSec' | 'secondFactorAtSec'> {
  const said = token.claims.auth_time;
  const authenticatedAtSec = token.authenticatedAtSec ?? (typeof said === 'number' ? said : undefined);
  const { secondFactorAtSec } = token;
  return {
    ...(authenticatedAtSec !== undefined && { authenticatedAtSec }),
    ...(secondFactorAtSec !== undefined && { secondFactorAtSec }),
  };
}

function byName(issuers: readonly TokenIssuer[]): ReadonlyMap<string, TokenIssuer> {
  const map = new Map<string, TokenIssuer>();
  for (const issuer of issuers) {
    const name = issuer.rules.issuer;
    if (map.has(name)) {
      const problems = [`the token issuer ${name} is named twice, or is the gateway itself`];
      throw new GatewayError('SP_CONFIG_INVALID', { detail: problems[0] ?? '', problems });
    }
    map.set(name, issuer);
  }
  return map;
}
