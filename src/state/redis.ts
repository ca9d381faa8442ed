import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import { HealthBoard } from './health-board.ts';
import { parseRedisUrl } from './redis-address.ts';
import { RedisConnection } from './redis-connection.ts';
import { RedisCounters } from './redis-counters.ts';
import { warnOfForgetfulRedis } from './redis-durability.ts';
import { RedisEvents } from './redis-events.ts';
import { RedisKeys } from './redis-keys.ts';
import { RedisLeases } from './redis-leases.ts';
import { RedisRecords } from './redis-records.ts';
import type { Store } from './store.ts';

/** What a state in Redis needs. */
export interface RedisStoreOptions {
  /** As `parseRedisUrl` reads it. */
  readonly url: Secret;
  readonly clock: Clock;
  readonly logger: Logger;
}

/**
 * Opens the state in Redis 6.2 or later: the driver of a fleet. Begins as down and comes up by itself, also when Redis is away at
 * the start; calls made before the first attempt to connect has ended wait for it, later ones are answered or rejected within
 * half a second. A write that was rejected may have been carried out.
 *
 * @throws SP_CONFIG_INVALID when the URL cannot be read
 */
export function openRedisStore({ url, clock, logger }: RedisStoreOptions): Store {
  const address = parseRedisUrl(url.reveal());
  const keys = new RedisKeys(address.prefix);
  const health = new HealthBoard('redis', false, clock, logger);
  const connection = new RedisConnection(address, keys, health);
  const events = new RedisEvents({ connection, address, keys, logger });
  const unwatch = health.listen(({ up }) => {
    if (!up) return;
    unwatch();
    void warnOfForgetfulRedis(connection, logger);
  });
  return {
    records: new RedisRecords(connection, keys, clock),
    counters: new RedisCounters(connection, keys, clock),
    leases: new RedisLeases(connection, keys),
    events,
    health: () => health.current,
    onHealth: (listener) => health.listen(listener),
    async close() {
      events.close();
      health.close();
      connection.close();
    },
  };
}
