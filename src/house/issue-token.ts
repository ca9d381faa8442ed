import type { MethodName } from '../exchange.ts';
import type { SessionProof } from '../sessions/session.ts';
import type { Foundation } from './foundation.ts';

/** A token as the token endpoint gives it (RFC 6749 §5.1). */
export interface IssuedToken {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly session_id: string;
}

/** Whom a token is for, who vouches for them, and how long it lives. */
export interface TokenOrder {
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  /** How the user proved who they are. */
  readonly method: MethodName;
  readonly address: string | undefined;
  /** What it is, in the list of somebody's sessions. */
  readonly device?: string;
  /** Account that vouches for the user; the session ends with it. */
  readonly account: string | undefined;
  /** Credential that it is got for, `session:ID` or `api-key:ID`: it ends with that one. */
  readonly parent: string | undefined;
  /** When the user proved who they are. */
  readonly proof: SessionProof;
  /** Seconds; `undefined` for an hour. */
  readonly ttlSec: number | undefined;
}

const DEFAULT_TTL_SEC = 3600;

/**
 * Makes a session and a token that is bound to it: revoking the session ends the token everywhere.
 *
 * @throws SP_STATE_UNREACHABLE
 */
export async function issueToken(foundation: Foundation, order: TokenOrder): Promise<IssuedToken> {
  const { user, groups, email, method, address, account, parent, proof } = order;
  const ttlSec = order.ttlSec ?? DEFAULT_TTL_SEC;
  const session = await foundation.sessions.create({
    user,
    groups,
    email,
    method,
    proof,
    ...(address === undefined ? {} : { address }),
    ...(order.device === undefined ? {} : { device: order.device }),
    ...(account === undefined ? {} : { account }),
    ...(parent === undefined ? {} : { parent }),
    maxAgeMs: ttlSec * 1000,
  });
  const lifeSec = Math.min(ttlSec, session.expiresAtSec - Math.floor(foundation.clock() / 1000));
  const { token } = foundation.ownTokens.issue(
    { subject: user, groups, email, sessionId: session.id },
    Math.max(1, lifeSec),
  );
  return {
    access_token: token,
    token_type: 'Bearer',
    expires_in: Math.max(1, lifeSec),
    session_id: session.id,
  };
}
