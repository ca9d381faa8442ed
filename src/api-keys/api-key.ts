import type { CredentialBounds } from '../exchange.ts';

/** An app password as its owner and the admin see it; never holds the password. */
export interface ApiKeyView {
  /** Public id, not a credential. */
  readonly id: string;
  /** What its owner calls it. */
  readonly name: string;
  /** Canonical name of the user for whom it stands. */
  readonly owner: string;
  readonly bounds: CredentialBounds;
  readonly createdAtSec: number;
  /** `undefined`: it does not end by itself. */
  readonly expiresAtSec: number | undefined;
  /** Seconds since the epoch, about a minute exact; `undefined` when it was never used. */
  readonly lastUsedSec: number | undefined;
  /** Address of the last use. */
  readonly lastAddress: string | undefined;
}

/** A live app password and whom it stands for. */
export interface ApiKey extends ApiKeyView {
  /** Account that vouches for the owner; `undefined` when a provider did. */
  readonly account: string | undefined;
  /** As the account says now; without one, as it was when the app password was made. */
  readonly groups: readonly string[];
  readonly email: string | undefined;
}

/** Whom a new app password stands for. */
export interface KeyOwner {
  readonly user: string;
  /** Name of the account; `undefined` for somebody whom a provider vouches for. */
  readonly account: string | undefined;
  readonly groups: readonly string[];
  readonly email: string | undefined;
}

export interface NewApiKey {
  readonly owner: KeyOwner;
  /** 1 to 64 characters. */
  readonly name: string;
  readonly routes?: readonly string[];
  readonly methods?: readonly string[];
  readonly addresses?: readonly string[];
  /** Life in milliseconds; absent: the longest that the configuration allows. */
  readonly lifeMs?: number;
}
