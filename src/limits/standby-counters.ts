import { isStateAway } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Count, Counters } from '../state/store.ts';
import { LocalCounters } from './local-counters.ts';

/** The shared counters, or those of this process while the shared ones are away: guessing is never free. */
export class StandbyCounters implements Counters {
  readonly #shared: Counters;
  readonly #local: LocalCounters;
  readonly #logger: Logger;
  #away = false;

  constructor(shared: Counters, clock: Clock, logger: Logger) {
    this.#shared = shared;
    this.#local = new LocalCounters(clock);
    this.#logger = logger;
  }

  increment(name: string, windowMs: number, by?: number): Promise<Count> {
    return this.#either((counters) => counters.increment(name, windowMs, by));
  }

  read(name: string): Promise<Count> {
    return this.#either((counters) => counters.read(name));
  }

  reset(name: string): Promise<void> {
    return this.#either((counters) => counters.reset(name));
  }

  async #either<T>(ask: (counters: Counters) => Promise<T>): Promise<T> {
    try {
      const answer = await ask(this.#shared);
      this.#away = false;
      return answer;
    } catch (error) {
      // A full disk ends the counting as a cut line does.
      if (!isStateAway(error)) throw error;
      if (!this.#away) {
        this.#away = true;
        this.#logger.warn(
          { code: error.code },
          'failed sign-ins are counted in this process only, until the state is back',
        );
      }
      return ask(this.#local);
    }
  }
}
