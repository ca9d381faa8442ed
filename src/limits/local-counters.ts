import type { Clock } from '../lib/clock.ts';
import type { Count, Counters } from '../state/store.ts';

/** Windowed counters of one process, for as long as the shared ones cannot be reached. Forgets the oldest when full. */
export class LocalCounters implements Counters {
  readonly #clock: Clock;
  readonly #limit: number;
  readonly #counts = new Map<string, Count>();

  /** @param limit - most counters kept */
  constructor(clock: Clock, limit = 10_000) {
    this.#clock = clock;
    this.#limit = limit;
  }

  async increment(name: string, windowMs: number, by = 1): Promise<Count> {
    const { count, resetsAtMs } = this.#live(name) ?? { count: 0, resetsAtMs: this.#clock() + windowMs };
    const next = { count: count + by, resetsAtMs };
    // Deleted first, so that a counter in use moves to the end of the line.
    this.#counts.delete(name);
    this.#counts.set(name, next);
    const [oldest] = this.#counts.keys();
    if (this.#counts.size > this.#limit && oldest !== undefined) this.#counts.delete(oldest);
    return next;
  }

  async read(name: string): Promise<Count> {
    return this.#live(name) ?? { count: 0, resetsAtMs: this.#clock() };
  }

  async reset(name: string): Promise<void> {
    this.#counts.delete(name);
  }

  #live(name: string): Count | undefined {
    const known = this.#counts.get(name);
    return known !== undefined && known.resetsAtMs > this.#clock() ? known : undefined;
  }
}
