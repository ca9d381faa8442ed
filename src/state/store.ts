/**
 * The narrow port to a database. Comes in: keys and bytes of the domain rooms. Goes out: answers or `SP_STATE_UNREACHABLE`.
 *
 * Two drivers implement it, `embedded.ts` and `redis.ts`; `test/contract/store.ts` is run against both.
 * Absent and unreachable are different answers: a missing record is `undefined`, an unreachable state throws
 * `GatewayError` with code `SP_STATE_UNREACHABLE`. No error carries a key, a value or a connection string.
 */
export interface Store {
  readonly records: Records;
  readonly counters: Counters;
  readonly leases: Leases;
  readonly events: Events;
  /** Gives the present health without asking the network. */
  health(): StoreHealth;
  /** Calls back on each change between up and down, until the returned function is called. */
  onHealth(listener: (health: StoreHealth) => void): () => void;
  /** Ends every connection and follower; safe to call twice. */
  close(): Promise<void>;
}

export interface StoreHealth {
  readonly driver: 'embedded' | 'redis';
  readonly up: boolean;
  /** Milliseconds since the epoch at which `up` last changed. */
  readonly sinceMs: number;
}

export interface StoredRecord {
  readonly key: string;
  readonly value: Uint8Array;
  /** Grows with every put of this key; pass it as `ifVersion` to detect a concurrent change. */
  readonly version: number;
  /** Milliseconds since the epoch; `undefined` when it does not expire. */
  readonly expiresAtMs: number | undefined;
}

export interface PutOptions {
  /** Life in milliseconds from now, at least 1; absent: for ever. */
  readonly ttlMs?: number;
  /** Writes only when no live record has the key. */
  readonly ifAbsent?: boolean;
  /** Writes only when the live record has exactly this version. */
  readonly ifVersion?: number;
  /** Names of the lists in which the record is found by `list`; replaces those of the previous put. */
  readonly indexes?: readonly string[];
}

export interface RecordPage {
  readonly records: readonly StoredRecord[];
  /** Pass as `after` for the next page; `undefined` on the last one. */
  readonly next: string | undefined;
}

export interface Records {
  /** Gives the live record, or `undefined` when absent or expired. Expiry is decided at the read. */
  get(key: string): Promise<StoredRecord | undefined>;
  /** @returns the new version, or `undefined` when a condition was not met and nothing was written */
  put(key: string, value: Uint8Array, options?: PutOptions): Promise<number | undefined>;
  /** @returns whether a live record was removed */
  delete(key: string, options?: { readonly ifVersion?: number }): Promise<boolean>;
  /** Lists the live records of an index, ordered by key. `limit` 1 to 1000, default 100. */
  list(index: string, options?: { readonly after?: string; readonly limit?: number }): Promise<RecordPage>;
}

export interface Count {
  readonly count: number;
  /** Milliseconds since the epoch at which the window ends; the present when there is none. */
  readonly resetsAtMs: number;
}

export interface Counters {
  /** Adds `by` (a whole number, default 1) to a counter whose window starts with its first increment, atomically. */
  increment(name: string, windowMs: number, by?: number): Promise<Count>;
  /** Gives the count without changing it, 0 when the window is over. */
  read(name: string): Promise<Count>;
  /** Ends the window: the next increment begins a new one. */
  reset(name: string): Promise<void>;
}

export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Fencing token: greater with every acquisition of this name. */
  readonly fence: number;
}

export interface Leases {
  /** @returns the lease, or `undefined` while somebody else holds it */
  acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined>;
  /** @returns false when the lease was lost */
  renew(lease: Lease, ttlMs: number): Promise<boolean>;
  release(lease: Lease): Promise<void>;
}

export interface StoredEvent {
  /** Position in the log; opaque, ordered only by the log itself. */
  readonly offset: string;
  readonly value: Uint8Array;
}

export interface Events {
  /** Appends to the one ordered log. @returns the event's offset */
  append(value: Uint8Array): Promise<string>;
  /** Gives the offset of the newest event, to be passed to `follow`. */
  tail(): Promise<string>;
  /**
   * Calls `onEvents` with every event after `from`, in order, each exactly once, within a second of its append,
   * going on by itself after an outage. When the log was trimmed past `from`, `onGap` is called first: what was
   * derived from earlier events must be read anew.
   * @returns stops following
   */
  follow(from: string, onEvents: (events: readonly StoredEvent[]) => void, onGap: () => void): () => void;
}
