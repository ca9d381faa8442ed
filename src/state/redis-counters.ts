import type { Clock } from '../lib/clock.ts';
import { step, wholeMs } from './checks.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisKeys } from './redis-keys.ts';
import { asInteger, asList } from './redis-reply.ts';
import { SCRIPTS } from './redis-scripts.ts';
import type { Count, Counters } from './store.ts';

/** Windowed counters in Redis: one key each, which Redis drops at the end of the window. */
export class RedisCounters implements Counters {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #clock: Clock;

  constructor(connection: RedisConnection, keys: RedisKeys, clock: Clock) {
    this.#connection = connection;
    this.#keys = keys;
    this.#clock = clock;
  }

  async increment(name: string, windowMs: number, by?: number): Promise<Count> {
    const args = [step(by), wholeMs('windowMs', windowMs)];
    return this.#count(await this.#connection.run(SCRIPTS.increment, [this.#keys.counter(name)], args));
  }

  async read(name: string): Promise<Count> {
    return this.#count(await this.#connection.run(SCRIPTS.read, [this.#keys.counter(name)], []));
  }

  async reset(name: string): Promise<void> {
    await this.#connection.call('DEL', this.#keys.counter(name));
  }

  #count(reply: unknown): Count {
    const [count, left] = asList(reply);
    if (count === null) return { count: 0, resetsAtMs: this.#clock() };
    return { count: asInteger(count), resetsAtMs: this.#clock() + asInteger(left) };
  }
}
