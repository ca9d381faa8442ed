import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';

/** Whose attempt it is: canonical user name and client address. */
export interface Attempt {
  readonly user: string;
  readonly address: string;
}

const KEPT = 4096;
/** Attempts in a minute that may end without a verdict before the memory is closed to them. */
const MAX_UNJUDGED = 20;
const UNJUDGED_WINDOW_MS = 60_000;

/**
 * Knows, in this process, for which user and address remembered verdicts must not be used at present.
 *
 * Security: a memory that answers at once, while every wrong guess is turned away, would tell a guesser at the owner's
 * address the right password without a count. So it is closed while the pair is throttled, and after many attempts
 * that nobody could judge because the state was away.
 */
export class GuessBrake {
  readonly #clock: Clock;
  /** Pair -> end of the hold, milliseconds since the epoch. */
  readonly #held = new BoundedMap<string, number>(KEPT);
  readonly #unjudged = new BoundedMap<string, { readonly count: number; readonly untilMs: number }>(KEPT);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hold(attempt: Attempt, forMs: number): void {
    this.#held.set(pairOf(attempt), this.#clock() + forMs);
  }

  isHeld(attempt: Attempt): boolean {
    return this.#held.size > 0 && this.#clock() < (this.#held.get(pairOf(attempt)) ?? 0);
  }

  /** Counts an attempt that could not be judged. */
  unjudged(attempt: Attempt): void {
    const pair = pairOf(attempt);
    const nowMs = this.#clock();
    const known = this.#unjudged.get(pair);
    const { count, untilMs } =
      known !== undefined && nowMs < known.untilMs
        ? known
        : { count: 0, untilMs: nowMs + UNJUDGED_WINDOW_MS };
    this.#unjudged.set(pair, { count: count + 1, untilMs });
    if (count >= MAX_UNJUDGED) this.#held.set(pair, untilMs);
  }
}

/** Gives one text per pair; an address holds no space, so the two parts cannot run into each other. */
export function pairOf({ user, address }: Attempt): string {
  return `${address} ${user}`;
}
