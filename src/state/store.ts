/**
 * The narrow port to a database. Comes in: keys and bytes of the domain rooms. Goes out: answers or `SP_STATE_UNREACHABLE`.
 *
 * Two drivers implement it, `embedded.ts` and `redis.ts`; `test/contract/store-contract.ts` is run against both.
 * Absent and unreachable are different answers: a missing record is `undefined`, an unreachable state rejects with
 * `GatewayError` `SP_STATE_UNREACHABLE` within half a second, one without room rejects writes with `SP_STATE_FULL` and goes on
 * by itself when there is room. Each call but `list` is one atomic step. A write that was rejected as unreachable may have been carried
 * out: what must happen once is written with a condition. An argument out of range rejects with a `RangeError`.
 *
 * Keys, names and holders are any well-formed text. Security: no error carries a key, a value or a connection string.
 */
export interface Store {
  readonly records: Records;
  readonly counters: Counters;
  readonly leases: Leases;
  readonly events: Events;
  /** Gives the present health without asking the network. */
  health(): StoreHealth;
  /** Calls back on each change between up and down, never at once, until the returned function is called. */
  onHealth(listener: (health: StoreHealth) => void): () => void;
  /** Ends every connection and follower, after which calls reject as unreachable; safe to call twice. */
  close(): Promise<void>;
}

/** Whether the state answers, and since when. */
export interface StoreHealth {
  readonly driver: 'embedded' | 'redis';
  /** Whether calls are answered, as far as is known; a store that is full is up. A Redis store begins as down. */
  readonly up: boolean;
  /** Milliseconds since the epoch at which `up` last changed. */
  readonly sinceMs: number;
}

/** A record as it was read. */
export interface StoredRecord {
  readonly key: string;
  /** The caller's own copy. */
  readonly value: Uint8Array;
  /** Safe integer, at least 1. Grows with every put of this key, also after it was deleted; pass it as `ifVersion` to detect a concurrent change. */
  readonly version: number;
  /** Milliseconds since the epoch; `undefined` when it does not expire. */
  readonly expiresAtMs: number | undefined;
}

/** How long a record lives, when it is written at all, and where it is listed. */
export interface PutOptions {
  /** Life in milliseconds from now, at least 1; absent: for ever. */
  readonly ttlMs?: number;
  /** Writes only when no live record has the key; excludes `ifVersion`. */
  readonly ifAbsent?: boolean;
  /** Writes only when the live record has exactly this version. */
  readonly ifVersion?: number;
  /** Names of the lists in which the record is found by `list`; replaces those of the previous put, absent: none. */
  readonly indexes?: readonly string[];
}

/** Part of a list of records. */
export interface RecordPage {
  readonly records: readonly StoredRecord[];
  /** Pass as `after` for the next page; `undefined` on the last one. */
  readonly next: string | undefined;
}

/** Values by key, with versions, ends and lists. */
export interface Records {
  /** Gives the live record, or `undefined` when absent or expired. Expiry is decided at the read. */
  get(key: string): Promise<StoredRecord | undefined>;
  /** @returns the new version, or `undefined` when a condition was not met and nothing was written */
  put(key: string, value: Uint8Array, options?: PutOptions): Promise<number | undefined>;
  /** Removes the record, with `ifVersion` only in exactly this version. @returns whether a live record was removed */
  delete(key: string, options?: { readonly ifVersion?: number }): Promise<boolean>;
  /**
   * Lists the live records of an index, ordered by the UTF-8 bytes of their keys, those after the key `after`. `limit` 1 to 1000,
   * default 100. Records that are put or deleted between two pages may be on a page or not; all others are on exactly one.
   */
  list(index: string, options?: { readonly after?: string; readonly limit?: number }): Promise<RecordPage>;
}

/** A counter as it stands. */
export interface Count {
  readonly count: number;
  /** Milliseconds since the epoch at which the window ends; the present when there is none. */
  readonly resetsAtMs: number;
}

/** Numbers that go back to nothing at the end of their window. */
export interface Counters {
  /** Adds `by` (a whole number, default 1) to a counter whose window starts with its first increment, atomically. */
  increment(name: string, windowMs: number, by?: number): Promise<Count>;
  /** Gives the count without changing it, 0 when the window is over. */
  read(name: string): Promise<Count>;
  /** Ends the window: the next increment begins a new one. */
  reset(name: string): Promise<void>;
}

/** The right to do something alone, for a time. */
export interface Lease {
  readonly name: string;
  readonly holder: string;
  /** Fencing token: a safe integer, greater with every acquisition of this name. */
  readonly fence: number;
}

/** Rights that one holder at a time has, over all processes. */
export interface Leases {
  /**
   * Takes the lease. A holder that has it already gets a new one, and its earlier one is lost: a holder names one task, not a process.
   *
   * @returns the lease, or `undefined` while somebody else holds it
   */
  acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined>;
  /** Lets the lease end `ttlMs` from now. @returns false when it was lost */
  renew(lease: Lease, ttlMs: number): Promise<boolean>;
  /** Ends the lease; without effect when it was lost. */
  release(lease: Lease): Promise<void>;
}

/** One event of the log. */
export interface StoredEvent {
  /** Position in the log; opaque, ordered only by the log itself. */
  readonly offset: string;
  readonly value: Uint8Array;
}

/** One ordered log that every process can follow. */
export interface Events {
  /** Appends to the one ordered log. @returns the event's offset */
  append(value: Uint8Array): Promise<string>;
  /** Gives the offset of the newest event, to be passed to `follow`; also one of a log that is empty. */
  tail(): Promise<string>;
  /**
   * Calls `onEvents` with every event after `from`, in order, each exactly once, within a second of its append,
   * going on by itself after an outage. The events of this process are among them. Neither function is called before `follow` has
   * returned; what one throws is logged, and the events count as delivered.
   *
   * When events after `from` are lost (the log was trimmed, a server lost its end, `from` is of another log), `onGap` is called
   * first: what was derived from earlier events must be read anew. The events that are left follow. The log reaches back 100,000
   * events, in a state file at most a day.
   *
   * @returns stops following
   */
  follow(from: string, onEvents: (events: readonly StoredEvent[]) => void, onGap: () => void): () => void;
}
