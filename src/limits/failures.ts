import { createHash } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { ipPrefix } from '../lib/ip-prefix.ts';
import type { Logger } from '../lib/logger.ts';
import type { Counters, Store } from '../state/store.ts';
import { StandbyCounters } from './standby-counters.ts';

/** A try to prove who one is, as it is counted. */
export interface Attempt {
  /** Name as it was given, in any spelling; `undefined` where none is given: then only the address is counted. */
  readonly user: string | undefined;
  /** IP address of the client. */
  readonly address: string;
}

/** What the counter stands on, and which failures it counts. */
export interface FailureCounterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Name of the budgets, for proofs that are guessed apart from each other; default `failures`. */
  readonly name?: string;
  /** Gives the one spelling of a name, `undefined` for what cannot be one. */
  readonly canonicalName: (raw: string) => string | undefined;
}

/** Failures of a user, or of a user at an address, that cost nothing: people mistype. */
const FREE_FAILURES = 5;
/** Failures of an address that cost nothing: behind one there may be a whole office. */
const FREE_AT_ADDRESS = 20;
const FIRST_DELAY_MS = 1_000;
const MAX_DELAY_MS = 5 * 60 * 1000;
/** Failures count for an hour from the first one. */
const WINDOW_MS = 60 * 60 * 1000;
/** How long a user who signed in from an address is known there. */
const KNOWN_MS = 30 * 24 * 60 * 60 * 1000;

/** What failures are counted against. */
interface Budget {
  readonly name: string;
  /** Failures that cost nothing. */
  readonly free: number;
}

/**
 * Failed sign-ins, and how long the next try must wait.
 *
 * They are counted per user, per address (IPv6: per /64) and per pair of both, over all processes; successes are not.
 * A pair that has signed in before has a budget of its own: failures of others, elsewhere or at the same address,
 * do not keep it out, and its own do not count against them.
 */
export class FailureCounter {
  readonly #counters: Counters;
  readonly #clock: Clock;
  readonly #canonicalName: (raw: string) => string | undefined;
  readonly #name: string;

  constructor({ store, clock, logger, canonicalName, name }: FailureCounterOptions) {
    this.#counters = new StandbyCounters(store.counters, clock, logger);
    this.#clock = clock;
    this.#canonicalName = canonicalName;
    this.#name = name ?? 'failures';
  }

  /** Gives how long this attempt must wait, milliseconds; 0: it may be made now. An attempt that waits is no failure. */
  async check(attempt: Attempt): Promise<{ waitMs: number }> {
    const { budgets } = await this.#budgetsOf(attempt);
    const waits = await Promise.all(budgets.map((budget) => this.#waitOf(budget)));
    return { waitMs: Math.max(...waits) };
  }

  /** Counts a failure; each beyond the free ones doubles the wait, from one second to five minutes. */
  async failed(attempt: Attempt): Promise<void> {
    const { budgets } = await this.#budgetsOf(attempt);
    await Promise.all(budgets.map((budget) => this.#count(budget)));
  }

  /**
   * Takes note of a success: from now on the pair has its own, fresh budget.
   *
   * @returns `waitMs` above 0 when so many others failed while this attempt was made that it must be refused as well
   *
   * Security: many guesses sent at once all pass `check`; without this second look the right one among them would count.
   * The budgets of user and address stay: else a guesser would refresh them with an account of their own.
   */
  async succeeded(attempt: Attempt): Promise<{ waitMs: number }> {
    const wait = await this.check(attempt);
    if (wait.waitMs > 0 || attempt.user === undefined) return wait;
    const { pair, isKnown } = await this.#budgetsOf(attempt);
    if (!isKnown) await this.#counters.increment(knownName(pair), KNOWN_MS);
    if ((await this.#counters.read(pair.name)).count > 0) await this.#counters.reset(pair.name);
    return wait;
  }

  async #budgetsOf({ user, address }: Attempt): Promise<{
    readonly pair: Budget;
    readonly isKnown: boolean;
    readonly budgets: readonly Budget[];
  }> {
    const place = ipPrefix(address);
    const atAddress = this.#budget('address', place);
    if (user === undefined) return { pair: atAddress, isKnown: true, budgets: [atAddress] };
    // What cannot be a name is one budget: it has no account, so nobody is kept out.
    const name = this.#canonicalName(user) ?? '';
    const pair = this.#budget('pair', name, place);
    const isKnown = (await this.#counters.read(knownName(pair))).count > 0;
    const budgets = isKnown ? [pair] : [pair, this.#budget('user', name), atAddress];
    return { pair, isKnown, budgets };
  }

  /** Hashed and with clear borders: names are chosen by strangers. */
  #budget(kind: 'user' | 'address' | 'pair', ...parts: readonly string[]): Budget {
    const hash = createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
    const free = kind === 'address' ? FREE_AT_ADDRESS : FREE_FAILURES;
    return { name: `${this.#name}:${kind}:${hash}`, free };
  }

  async #count({ name, free }: Budget): Promise<void> {
    const { count } = await this.#counters.increment(name, WINDOW_MS);
    const delayMs = delayAfter(count - free);
    if (delayMs > 0) await this.#counters.increment(gateName(name, count), delayMs);
  }

  /** The gate of the newest failure is a counter whose window is the wait: every process knows when it ends. */
  async #waitOf({ name, free }: Budget): Promise<number> {
    const { count } = await this.#counters.read(name);
    if (count <= free) return 0;
    const gate = await this.#counters.read(gateName(name, count));
    return gate.count > 0 ? Math.max(0, gate.resetsAtMs - this.#clock()) : 0;
  }
}

/** @param beyond - failures that were not free */
function delayAfter(beyond: number): number {
  return beyond <= 0 ? 0 : Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (beyond - 1));
}

function knownName({ name }: Budget): string {
  return `${name}:known`;
}

function gateName(name: string, count: number): string {
  return `${name}:${count}`;
}
