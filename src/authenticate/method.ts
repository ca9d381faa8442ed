import type { RouteConfig } from '../config/config.ts';
import type { Arrived, Identity, MethodName, Ties } from '../exchange.ts';

export type { Ties };

/** Why a credential was not accepted. Closed set, for log and metrics; never told to the client. */
export type ReasonWord =
  | 'credential-absent'
  | 'credential-twice'
  | 'credential-malformed'
  | 'scheme-not-accepted'
  | 'password-wrong'
  | 'throttled'
  | 'state-unreachable'
  | 'keys-unavailable'
  | 'token-malformed'
  | 'token-too-long'
  | 'token-header'
  | 'token-algorithm'
  | 'token-issuer-unknown'
  | 'token-key-unknown'
  | 'token-signature'
  | 'token-type'
  | 'token-audience'
  | 'token-claims'
  | 'token-expired'
  | 'token-not-yet-valid'
  | 'token-too-old'
  | 'token-revoked'
  | 'session-ended'
  | 'api-key-unknown'
  | 'certificate-untrusted'
  | 'certificate-expired'
  | 'certificate-unknown';

export interface Verified {
  readonly kind: 'verified';
  readonly identity: Identity;
  readonly ties: Ties;
}

export interface Rejected {
  readonly kind: 'rejected';
  readonly reason: ReasonWord;
  /** More of it, for the log. Never client text. */
  readonly detail?: string | undefined;
}

/** `absent`: ask the next method. `rejected`: stop; a bad credential never falls through to a weaker method. */
export type Verdict = { readonly kind: 'absent' } | Verified | Rejected;

/** One way to prove who is asking. */
export interface Method {
  readonly name: MethodName;
  /** Lower-case authentication schemes read from `Authorization`; `undefined` for methods that read something else. */
  readonly scheme: string | readonly string[] | undefined;
  /**
   * Gives what identifies this method's credential in the request, or `undefined` when it carries none. Cheap, no I/O.
   * Two requests with the same text get the same verdict, so everything that the verdict depends on is in it.
   */
  credential(arrived: Arrived): string | undefined;
  /**
   * Judges the credential, without any memory of earlier verdicts.
   * @throws SP_AUTHENTICATE_THROTTLED, SP_AUTHENTICATE_UNAVAILABLE, SP_STATE_UNREACHABLE
   */
  inspect(arrived: Arrived): Verdict | Promise<Verdict>;
  /** Gives the method as it stands on a route; absent: it is the same on all. */
  onRoute?(route: RouteConfig): Method;
  /** Takes note, without I/O, that a verified credential was used for a request; absent: nothing is noted. */
  used?(arrived: Arrived, verified: Verified): void;
  /** Tells, without I/O, whether a verdict remembered for this request must not be used; absent: never. */
  doubts?(arrived: Arrived, identity: Identity): boolean;
  /** Gives the name that the credential claims, as it was given, for the security log; absent: it claims none. */
  claimedUser?(arrived: Arrived): string | undefined;
  /** Gives the value of `WWW-Authenticate` (RFC 9110 §11.6.1), or `undefined` when the method has none. */
  challenge(verdict: Verdict): string | undefined;
}

/** Gives a verdict that stops the request. */
export function rejected(reason: ReasonWord, detail?: string): Rejected {
  return { kind: 'rejected', reason, ...(detail === undefined ? {} : { detail }) };
}
