import { randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { OwnKeys } from './own-keys.ts';
import { OWN_ALGORITHM, signCompact } from './signing-key.ts';
import { TokenIssuer, type TokenRules } from './token-issuer.ts';
import type { TokenHeader } from './token-shape.ts';

/** Issuer and audience of the tokens that the gateway itself issues. */
export const OWN_ISSUER = 'sallyport';

/** RFC 9068 §2.1. Security: keeps an assertion, signed with the same keys and sent to upstreams, from being a token. */
const TYPE = 'at+jwt';

export interface OwnClaims {
  /** Canonical user name. */
  readonly subject: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  /** A live session of the same user; the token ends with it. */
  readonly sessionId: string;
}

export interface OwnToken {
  readonly token: string;
  readonly jti: string;
  /** Seconds since the epoch. */
  readonly expiresAtSec: number;
}

/** Issues and verifies the gateway's own, session-bound tokens. */
export class OwnTokens {
  /** One more issuer for the method `token`; closing it leaves the keys open. */
  readonly issuer: TokenIssuer;
  readonly #keys: OwnKeys;
  readonly #clock: Clock;

  constructor(keys: OwnKeys, clock: Clock) {
    this.#keys = keys;
    this.#clock = clock;
    // The keys outlive every house that verifies with them: closing the issuer leaves them open.
    const shared = { candidates: (header: TokenHeader) => keys.candidates(header), close: () => {} };
    this.issuer = new TokenIssuer(RULES, shared, clock);
  }

  /**
   * Gives a new token.
   * @param ttlSec - life in whole seconds, at least 1
   * @throws SP_STATE_UNREACHABLE while the keys could not be loaded
   */
  issue(claims: OwnClaims, ttlSec: number): OwnToken {
    const key = this.#keys.signingKey();
    if (key === undefined) {
      throw new GatewayError('SP_STATE_UNREACHABLE', { detail: 'the own signature keys are not loaded yet' });
    }
    const issuedAtSec = Math.floor(this.#clock() / 1000);
    const expiresAtSec = issuedAtSec + ttlSec;
    const jti = randomBytes(16).toString('base64url');
    const token = signCompact(key, TYPE, {
      iss: OWN_ISSUER,
      aud: OWN_ISSUER,
      sub: claims.subject,
      groups: claims.groups,
      email: claims.email,
      sid: claims.sessionId,
      jti,
      iat: issuedAtSec,
      exp: expiresAtSec,
    });
    return { token, jti, expiresAtSec };
  }
}

const RULES: TokenRules = {
  issuer: OWN_ISSUER,
  audience: [OWN_ISSUER],
  algorithms: [OWN_ALGORITHM],
  user: 'sub',
  groups: 'groups',
  email: 'email',
  typ: TYPE,
  clockToleranceSec: 0,
  maxAgeSec: undefined,
  requiredClaims: ['sub', 'sid', 'jti', 'iat'],
  session: 'required',
};
