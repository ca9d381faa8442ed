import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { StoreHealth } from './store.ts';

/** The present health of one store: remembers since when, tells its listeners and logs once per change. */
export class HealthBoard {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(health: StoreHealth) => void>();
  #health: StoreHealth;

  constructor(driver: StoreHealth['driver'], up: boolean, clock: Clock, logger: Logger) {
    this.#clock = clock;
    this.#logger = logger;
    this.#health = { driver, up, sinceMs: clock() };
  }

  get current(): StoreHealth {
    return this.#health;
  }

  listen(listener: (health: StoreHealth) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Writes `up` down; without effect when nothing changed. `detail` says why, for the log; it holds no credential. */
  set(up: boolean, detail?: string): void {
    if (this.#health.up === up) return;
    this.#health = { driver: this.#health.driver, up, sinceMs: this.#clock() };
    const fields = { driver: this.#health.driver, detail };
    if (up) this.#logger.info(fields, 'the state is reachable again');
    else this.#logger.error(fields, 'the state cannot be reached');
    for (const listener of [...this.#listeners]) this.#tell(listener);
  }

  close(): void {
    this.#listeners.clear();
  }

  #tell(listener: (health: StoreHealth) => void): void {
    try {
      listener(this.#health);
    } catch (thrown) {
      this.#logger.error({ err: thrown }, 'a listener of the state health failed');
    }
  }
}
