import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { StoreHealth } from './store.ts';

/** The present health of one store: remembers since when, tells its listeners and logs once per change. */
export class HealthBoard {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #listeners = new Set<(health: StoreHealth) => void>();
  /** What was logged since the last change: each reason for being down once. */
  readonly #said = new Set<string>();
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

  /** Notes whether the state is up; tells the listeners on a change. `detail` says why not, for the log; it holds no credential. */
  set(up: boolean, detail = ''): void {
    const changed = this.#health.up !== up;
    if (!changed && (up || this.#said.has(detail))) return;
    if (changed) {
      this.#said.clear();
      this.#health = { driver: this.#health.driver, up, sinceMs: this.#clock() };
    }
    this.#say(up, detail);
    if (!changed) return;
    for (const listener of [...this.#listeners]) this.#tell(listener);
  }

  close(): void {
    this.#listeners.clear();
  }

  #say(up: boolean, detail: string): void {
    const { driver } = this.#health;
    this.#said.add(detail);
    if (up) this.#logger.info({ driver }, 'the state is reachable');
    else this.#logger.error({ driver, code: 'SP_STATE_UNREACHABLE', detail }, 'the state cannot be reached');
  }

  #tell(listener: (health: StoreHealth) => void): void {
    try {
      listener(this.#health);
    } catch (thrown) {
      this.#logger.error({ err: thrown }, 'a listener of the state health failed');
    }
  }
}
