import { wholeMs } from './checks.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisKeys } from './redis-keys.ts';
import { asInteger } from './redis-reply.ts';
import { SCRIPTS } from './redis-scripts.ts';
import type { Lease, Leases } from './store.ts';

/** How long a fence is remembered beyond its lease. Later ones grow all the same unless Redis' clock went back by more than that. */
const FENCE_MEMORY_MS = 24 * 60 * 60 * 1000;

/** Leases in Redis. */
export class RedisLeases implements Leases {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;

  constructor(connection: RedisConnection, keys: RedisKeys) {
    this.#connection = connection;
    this.#keys = keys;
  }

  async acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    const lifeMs = wholeMs('ttlMs', ttlMs);
    const keys = [this.#keys.lease(name), this.#keys.fence(name)];
    const args = [holder, lifeMs, lifeMs + FENCE_MEMORY_MS];
    const fence = asInteger(await this.#connection.run(SCRIPTS.acquire, keys, args));
    return fence === 0 ? undefined : { name, holder, fence };
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const args = [lease.fence, wholeMs('ttlMs', ttlMs)];
    return asInteger(await this.#connection.run(SCRIPTS.keep, [this.#keys.lease(lease.name)], args)) === 1;
  }

  async release(lease: Lease): Promise<void> {
    await this.#connection.run(SCRIPTS.keep, [this.#keys.lease(lease.name)], [lease.fence, '']);
  }
}
