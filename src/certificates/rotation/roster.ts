import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { asGatewayError } from '../../errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { pagesOf } from '../../lib/pages.ts';
import type { Records } from '../../state/store.ts';

const INDEX = 'processes';
const PREFIX = 'process/';
const PAGE = 1000;
/** A process that is silent for this long does not count any more. */
const LIFE_MS = 6000;
const RENEWAL_MS = 2000;
/** Those that were seen lately, whether or not they count. */
const SEEN_INDEX = 'processes-seen';
const SEEN_PREFIX = 'process-seen/';
/** Longer than anybody leaves a machine that is cut off alone. */
const SEEN_LIFE_MS = 24 * 3600_000;
const SEEN_RENEWAL_MS = 3600_000;

export interface RosterOptions {
  readonly records: Pick<Records, 'put' | 'delete' | 'list'>;
  readonly logger: Logger;
}

/**
 * The processes that live on one state. Comes in: a sign of life of each, renewed every two seconds. Goes out: their ids.
 *
 * A process that ends takes its sign away; one that is killed, frozen or cut off counts for six more seconds, and is
 * missing for a day.
 */
export class Roster {
  /** Id of this process: `host:pid:random`, new with every start. */
  readonly self = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
  readonly #options: RosterOptions;
  #timer: NodeJS.Timeout | undefined;
  #seenMs = Number.NEGATIVE_INFINITY;
  #closed = false;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** Shows this process from now on; again without effect. An unreachable state is told again and again. */
  async start(): Promise<void> {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setInterval(() => void this.#show(), RENEWAL_MS).unref();
    await this.#show();
    await this.#bury();
  }

  /** Gives the ids of every process that counts, this one always among them, ordered. @throws SP_STATE_UNREACHABLE */
  async live(): Promise<readonly string[]> {
    return [...new Set([this.self, ...(await this.#idsOf(INDEX, PREFIX))])].sort();
  }

  /**
   * Gives the ids of those that do not count and did not take leave within the last day: they were killed, or run on
   * without the state. Ordered. @throws SP_STATE_UNREACHABLE
   */
  async missing(): Promise<readonly string[]> {
    const live = new Set(await this.live());
    return (await this.#idsOf(SEEN_INDEX, SEEN_PREFIX)).filter((id) => !live.has(id)).sort();
  }

  /** Takes the sign away. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    if (this.#timer === undefined) return;
    await this.#takeAway().catch(() => undefined);
  }

  /** Takes leave for the dead of this machine: whoever is started in their place need not be looked for. Never rejects. */
  async #bury(): Promise<void> {
    try {
      for (const id of await this.#idsOf(SEEN_INDEX, SEEN_PREFIX)) {
        if (id !== this.self && isDeadHere(id)) await this.#options.records.delete(SEEN_PREFIX + id);
      }
    } catch (error) {
      const { code } = asGatewayError(error);
      this.#options.logger.debug(
        { code },
        'processes that ended without a word could not be taken off the list',
      );
    }
  }

  async #idsOf(index: string, prefix: string): Promise<readonly string[]> {
    const ids: string[] = [];
    const { records } = this.#options;
    for await (const page of pagesOf((place) => records.list(index, { limit: PAGE, ...place })))
      for (const { key } of page) ids.push(key.slice(prefix.length));
    return ids;
  }

  async #show(): Promise<void> {
    const { records } = this.#options;
    const value = Buffer.from(JSON.stringify({ pid: process.pid, host: hostname() }));
    const nowMs = performance.now();
    try {
      await records.put(PREFIX + this.self, value, { ttlMs: LIFE_MS, indexes: [INDEX] });
      if (nowMs - this.#seenMs > SEEN_RENEWAL_MS) {
        await records.put(SEEN_PREFIX + this.self, value, { ttlMs: SEEN_LIFE_MS, indexes: [SEEN_INDEX] });
        this.#seenMs = nowMs;
      }
      if (this.#closed) await this.#takeAway();
    } catch (error) {
      const { code, reason } = asGatewayError(error);
      this.#options.logger.debug({ code, reason }, 'this process could not show itself to the others');
    }
  }

  async #takeAway(): Promise<void> {
    const { records } = this.#options;
    await Promise.all([records.delete(PREFIX + this.self), records.delete(SEEN_PREFIX + this.self)]);
  }
}

/** Whether an id is of a process of this machine that is not there any more. A number that is ours now was theirs before. */
function isDeadHere(id: string): boolean {
  const [host, pid] = id.split(':');
  if (host !== hostname() || pid === undefined) return false;
  if (Number(pid) === process.pid) return true;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
