import { errors, type JWTVerifyOptions, jwtVerify } from 'jose';
import type { TokenIssuerConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { type Claims, emailAt, groupsAt, userAt } from './claims.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { type ReasonWord, type Rejected, rejected } from './method.ts';
import type { TokenHeader } from './token-shape.ts';

/** What one issuer demands of its tokens and where the user is found in them. */
export type TokenRules = Omit<TokenIssuerConfig, 'keys'>;

/** A token whose signature and claims were verified. */
export interface VerifiedToken {
  readonly kind: 'token';
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly claims: Claims;
  readonly expiresAtSec: number;
  readonly issuedAtSec: number | undefined;
  readonly jti: string | undefined;
  readonly subject: string | undefined;
  readonly sessionId: string | undefined;
}

/** Verifies the tokens of one issuer. */
export class TokenIssuer {
  readonly rules: TokenRules;
  readonly #keys: IssuerKeys;
  readonly #clock: Clock;

  constructor(rules: TokenRules, keys: IssuerKeys, clock: Clock) {
    this.rules = rules;
    this.#keys = keys;
    this.#clock = clock;
  }

  /**
   * Verifies a token that names this issuer (RFC 7515 §5.2, RFC 7519 §7.2): algorithm first, then the signature, then
   * the claims. `exp` is always demanded.
   * @throws SP_AUTHENTICATE_UNAVAILABLE while no key of the issuer is known
   */
  async verify(token: string, header: TokenHeader): Promise<VerifiedToken | Rejected> {
    if (!this.rules.algorithms.includes(header.alg)) return rejected('token-algorithm');
    const keys = await this.#keys.candidates(header);
    const options = this.#verifyOptions();
    let refusal: ReasonWord = 'token-key-unknown';
    for (const key of keys) {
      try {
        const { payload } = await jwtVerify(token, key, options);
        return this.#read({ ...payload });
      } catch (error) {
        refusal = reasonOf(error);
        if (refusal !== 'token-signature') break;
      }
    }
    return rejected(refusal);
  }

  close(): void {
    this.#keys.close();
  }

  #verifyOptions(): JWTVerifyOptions {
    const { issuer, audience, algorithms, typ, clockToleranceSec, maxAgeSec, requiredClaims } = this.rules;
    return {
      issuer,
      audience: [...audience],
      algorithms: [...algorithms],
      clockTolerance: clockToleranceSec,
      requiredClaims: ['exp', ...requiredClaims],
      currentDate: new Date(this.#clock()),
      ...(typ === undefined ? {} : { typ }),
      ...(maxAgeSec === undefined ? {} : { maxTokenAge: maxAgeSec }),
    };
  }

  #read(claims: Claims): VerifiedToken | Rejected {
    const user = userAt(claims, this.rules.user);
    const { exp, iat, jti, sub, sid } = claims;
    if (user === undefined || typeof exp !== 'number') return rejected('token-claims');
    // Revocation and session are looked up by these: a value of another type would look up nothing.
    if (!isTextOrAbsent(jti) || !isTextOrAbsent(sub) || !isTextOrAbsent(sid)) return rejected('token-claims');
    if (iat !== undefined && typeof iat !== 'number') return rejected('token-claims');
    // A token from the future would escape "revoke everything issued before now".
    const latestSec = this.#clock() / 1000 + this.rules.clockToleranceSec;
    if (iat !== undefined && iat > latestSec) return rejected('token-not-yet-valid');
    return {
      kind: 'token',
      user,
      groups: groupsAt(claims, this.rules.groups),
      email: emailAt(claims, this.rules.email),
      claims: Object.freeze(claims),
      expiresAtSec: this.#endSec(exp, iat),
      issuedAtSec: iat,
      jti,
      subject: sub,
      sessionId: sid,
    };
  }

  /** Gives the second from which the token is refused: its expiry or its greatest age, tolerance included. */
  #endSec(exp: number, iat: number | undefined): number {
    const { maxAgeSec, clockToleranceSec } = this.rules;
    const oldestSec = maxAgeSec === undefined || iat === undefined ? exp : iat + maxAgeSec + 1;
    return Math.min(exp, oldestSec) + clockToleranceSec;
  }
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string';
}

/** Gives the reason word for what jose found. Its messages and payloads go nowhere: they quote the token. */
function reasonOf(error: unknown): ReasonWord {
  if (error instanceof errors.JWTExpired) return error.claim === 'iat' ? 'token-too-old' : 'token-expired';
  if (error instanceof errors.JWTClaimValidationFailed) return claimReason(error);
  if (error instanceof errors.JWSSignatureVerificationFailed) return 'token-signature';
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token-algorithm';
  if (error instanceof errors.JOSEError) return 'token-malformed';
  throw error;
}

function claimReason(error: errors.JWTClaimValidationFailed): ReasonWord {
  if (error.reason !== 'check_failed') return error.claim === 'aud' ? 'token-audience' : 'token-claims';
  switch (error.claim) {
    case 'aud':
      return 'token-audience';
    case 'nbf':
    case 'iat':
      return 'token-not-yet-valid';
    case 'typ':
      return 'token-type';
    default:
      return 'token-claims';
  }
}
