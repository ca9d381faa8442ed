import { GatewayError } from '../errors.ts';
import type { Arrived } from '../exchange.ts';
import { hasScheme, token68Of } from './authorization-header.ts';
import { bearerChallenge } from './challenge.ts';
import { type Method, rejected, type Verdict } from './method.ts';
import type { TokenIssuer, VerifiedToken } from './token-issuer.ts';
import { readTokenShape } from './token-shape.ts';
import type { RevocableToken } from './verified-cache.ts';

export interface TokenMethodOptions {
  /** The configured issuers, and the gateway's own. Each issuer name once. */
  readonly issuers: readonly TokenIssuer[];
  readonly realm: string;
  readonly sessions: LiveSessions;
  /** Says, without I/O, whether a token was revoked. */
  readonly isRevoked: (token: RevocableToken) => boolean;
}

/** The sessions a token may be bound to. */
export interface LiveSessions {
  /**
   * Gives the session, or `undefined` when it ended or never was.
   * @throws SP_STATE_UNREACHABLE
   */
  live(id: string): Promise<{ readonly user: string } | undefined>;
}

/**
 * Gives the method `token`: a JWT in `Authorization: Bearer` (RFC 6750 §2.1, RFC 7519).
 * @throws SP_CONFIG_INVALID when two issuers have the same name
 *
 * Security: the issuer that a token claims only selects whose rules it must meet, by exact comparison; the signature is
 * checked with that issuer's key before any other claim is believed. A session-bound token counts only while its
 * session lives and belongs to the same user.
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
    return token.kind === 'rejected' ? token : admit(token, issuer.rules.session === 'required');
  }

  async function admit(token: VerifiedToken, needsSession: boolean): Promise<Verdict> {
    const { user, groups, email, claims, sessionId, expiresAtSec, jti, subject, issuedAtSec } = token;
    if (options.isRevoked({ jti, subject, issuedAtSec })) return rejected('token-revoked');
    if (needsSession) {
      if (sessionId === undefined) return rejected('token-claims');
      const session = await options.sessions.live(sessionId);
      if (session?.user !== user) return rejected('session-ended');
    }
    const bound = needsSession ? sessionId : undefined;
    return {
      kind: 'verified',
      identity: { user, method: 'token', groups, email, claims, sessionId: bound, expiresAtSec },
      ties: {
        expiresAtSec,
        needsState: needsSession,
        account: needsSession ? user : undefined,
        sessionId: bound,
        jti,
        subject,
        issuedAtSec,
      },
    };
  }

  return {
    name: 'token',
    scheme: 'bearer',
    credential: ({ request: { authorization } }) =>
      authorization !== undefined && hasScheme(authorization, 'bearer') ? authorization : undefined,
    inspect,
    challenge: (verdict) => bearerChallenge(options.realm, verdict.kind === 'rejected'),
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
