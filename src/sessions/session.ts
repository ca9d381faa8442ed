import type { MethodName } from '../exchange.ts';

/** A session as people and the admin see it; never holds the secret. */
export interface SessionView {
  /** Public id, not a credential. */
  readonly id: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly createdAtSec: number;
  readonly lastSeenSec: number;
  readonly expiresAtSec: number;
  readonly address: string | undefined;
  readonly device: string | undefined;
}

/** When its holder proved who they are. */
export interface SessionProof {
  /** Seconds since the epoch of the last password, passkey or provider sign-in; `undefined` when no person did. */
  readonly authenticatedAtSec: number | undefined;
  /** Seconds since the epoch of the last second factor; a passkey counts as one. */
  readonly secondFactorAtSec: number | undefined;
}

/** The OpenID provider that vouches for a session. */
export interface SessionProvider {
  /** Name in the configuration. */
  readonly name: string;
  /** `sid` of the id token (OpenID Connect Front-Channel Logout 1.0 §3). */
  readonly sid: string | undefined;
  /** `sub` of the id token. */
  readonly subject: string | undefined;
}

/** A live session: whom it stands for, and how they proved it. */
export interface Session extends SessionView, SessionProof {
  /** How the user signed in. */
  readonly method: MethodName;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Name of the account that vouched for the user; `undefined` when somebody else did. */
  readonly account: string | undefined;
  readonly provider: SessionProvider | undefined;
}

/** Tokens of a provider; sealed at rest, never on a page and never in a cookie. */
export interface SessionTokens {
  readonly idToken: string | undefined;
  readonly refreshToken: string | undefined;
  /** Seconds since the epoch from which they are to be refreshed. */
  readonly expiresAtSec: number | undefined;
}

/** What an account says of its user. */
export interface AccountFacts {
  readonly groups: readonly string[];
  readonly email: string | undefined;
}

/** Who signed in, and how: what a session is made of. */
export interface NewSession {
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly method: MethodName;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly address?: string;
  /** What the browser calls itself; cut after 256 characters. */
  readonly device?: string;
  readonly account?: string;
  /** Credential that it was got for, `session:ID` or `api-key:ID`: it ends with that one. */
  readonly parent?: string;
  /** Absolute age when it is to be shorter than the configured one, milliseconds. */
  readonly maxAgeMs?: number;
  /** Default: proved now, without a second factor. */
  readonly proof?: SessionProof;
  readonly provider?: SessionProvider;
  readonly tokens?: SessionTokens;
}

/** What a provider says anew of a session that goes on; what is absent stays. */
export interface SessionRenewal {
  /** Security: whoever signs in anew may have another `sid` there, and it is by the new one that the provider ends it. */
  readonly provider?: SessionProvider;
  readonly groups?: readonly string[];
  readonly email?: string | undefined;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly tokens?: SessionTokens;
}

/** What only the holder of a session may know. */
export interface SessionSecret {
  /** Public id. */
  readonly id: string;
  /** 256 bits, base64url: the value of the cookie. */
  readonly secret: string;
  /** Absolute end. */
  readonly expiresAtSec: number;
}
