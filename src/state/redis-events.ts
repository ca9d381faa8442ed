import type { Logger } from '../lib/logger.ts';
import type { RedisAddress } from './redis-address.ts';
import type { RedisConnection } from './redis-connection.ts';
import { RedisFollower } from './redis-follower.ts';
import type { RedisKeys } from './redis-keys.ts';
import { asList, asText } from './redis-reply.ts';
import type { Events, StoredEvent } from './store.ts';

/** How far back the log reaches at least: some 10 MB of Redis' memory. */
const KEEP_EVENTS = 100_000;

/** What the event log in Redis needs; followers connect by `address` themselves. */
export interface RedisEventsOptions {
  readonly connection: RedisConnection;
  readonly address: RedisAddress;
  readonly keys: RedisKeys;
  readonly logger: Logger;
}

/** The event log in Redis: one stream, which Redis numbers in order. */
export class RedisEvents implements Events {
  readonly #options: RedisEventsOptions;
  readonly #followers = new Set<RedisFollower>();

  constructor(options: RedisEventsOptions) {
    this.#options = options;
  }

  async append(value: Uint8Array): Promise<string> {
    const { connection, keys } = this.#options;
    return asText(await connection.call('XADD', keys.events, 'MAXLEN', '~', KEEP_EVENTS, '*', 'v', value));
  }

  async tail(): Promise<string> {
    const { connection, keys } = this.#options;
    const [newest] = asList(await connection.call('XREVRANGE', keys.events, '+', '-', 'COUNT', 1));
    return newest === undefined ? '0-0' : asText(asList(newest)[0]);
  }

  follow(from: string, onEvents: (events: readonly StoredEvent[]) => void, onGap: () => void): () => void {
    const { address, keys } = this.#options;
    const follower = new RedisFollower({
      address,
      stream: keys.events,
      maxEvents: KEEP_EVENTS,
      from,
      onEvents: (events) => this.#call(() => onEvents(events)),
      onGap: () => this.#call(onGap),
    });
    this.#followers.add(follower);
    void follower.run();
    return () => {
      this.#followers.delete(follower);
      follower.stop();
    };
  }

  close(): void {
    for (const follower of this.#followers) follower.stop();
    this.#followers.clear();
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      this.#options.logger.error({ err: thrown }, 'a follower of the event log failed');
    }
  }
}
