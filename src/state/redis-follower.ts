import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RedisAddress } from './redis-address.ts';
import { makeRedisClient, type RedisClient } from './redis-client.ts';
import { asBytes, asList, asText } from './redis-reply.ts';
import type { StoredEvent } from './store.ts';

/** How long one read waits for an event; the next one begins at once. */
const BLOCK_MS = 1_000;
const SILENCE_MS = 2_500;
const RETRY_MS = 100;
const BATCH = 500;
const OFFSET = /^\d{1,20}-\d{1,20}$/;
const BEGINNING = '0-0';

/** What is followed, from where, and who is told. */
export interface FollowerOptions {
  readonly address: RedisAddress;
  readonly stream: string;
  /** Length to which the log is trimmed. */
  readonly maxEvents: number;
  readonly from: string;
  readonly onEvents: (events: readonly StoredEvent[]) => void;
  readonly onGap: () => void;
}

/**
 * Reads the log on a connection of its own, because a waiting read holds it. After every loss of the connection the last offset is
 * looked up first: when its entry is gone, the log was trimmed or its end was lost with a server, and either is a gap.
 */
export class RedisFollower {
  readonly #options: FollowerOptions;
  readonly #client: RedisClient;
  #position: string;
  readonly #stopping = new AbortController();

  constructor(options: FollowerOptions) {
    this.#options = options;
    this.#position = options.from;
    this.#client = makeRedisClient(options.address, SILENCE_MS);
    // The main connection, which fails for the same reasons, tells the health board.
    this.#client.on('error', () => {});
  }

  stop(): void {
    this.#stopping.abort();
    this.#client.disconnect();
  }

  /** Ends only by `stop`. */
  async run(): Promise<void> {
    let checked = false;
    while (!this.#stopping.signal.aborted) {
      try {
        await this.#ready();
        if (!checked) await this.#check();
        checked = true;
        const full = await this.#readOnce();
        // Only one who is far behind can be overtaken by trimming between two reads.
        if (full) checked = false;
      } catch {
        checked = false;
        await sleep(RETRY_MS, undefined, { ref: false });
      }
    }
  }

  /** @throws when the connection could not be made */
  async #ready(): Promise<void> {
    if (this.#client.status === 'ready') return;
    await once(this.#client, 'ready', { signal: this.#stopping.signal });
  }

  async #check(): Promise<void> {
    const lost = OFFSET.test(this.#position) ? await this.#isLost(this.#position) : true;
    if (!lost || this.#stopping.signal.aborted) return;
    this.#position = BEGINNING;
    this.#options.onGap();
  }

  async #isLost(position: string): Promise<boolean> {
    const { stream, maxEvents } = this.#options;
    if (position === BEGINNING) {
      const length = await this.#client.call('XLEN', [stream]);
      return typeof length === 'number' && length >= maxEvents;
    }
    return asList(await this.#client.call('XRANGE', [stream, position, position])).length === 0;
  }

  /** @returns whether there may be more that can be had without waiting */
  async #readOnce(): Promise<boolean> {
    const { stream, onEvents } = this.#options;
    const args = ['COUNT', BATCH, 'BLOCK', BLOCK_MS, 'STREAMS', stream, this.#position];
    const reply = await this.#client.callBuffer('XREAD', args);
    if (reply === null || this.#stopping.signal.aborted) return false;
    const [, entries] = asList(asList(reply)[0]);
    const events = asList(entries).map(asEvent);
    const last = events.at(-1);
    if (last === undefined) return false;
    this.#position = last.offset;
    onEvents(events);
    return events.length === BATCH;
  }
}

function asEvent(entry: unknown): StoredEvent {
  const [offset, fields] = asList(entry);
  return { offset: asText(offset), value: asBytes(asList(fields)[1]) };
}
