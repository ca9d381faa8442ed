import { randomBytes } from 'node:crypto';
import { hostname } from 'node:os';
import { asGatewayError } from '../../errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Records } from '../../state/store.ts';

const INDEX = 'processes';
const PREFIX = 'process/';
const PAGE = 1000;
/** A process that is silent for this long does not count any more. */
const LIFE_MS = 6000;
const RENEWAL_MS = 2000;

export interface RosterOptions {
  readonly records: Pick<Records, 'put' | 'delete' | 'list'>;
  readonly logger: Logger;
}

/**
 * The processes that live on one state. Comes in: a sign of life of each, renewed every two seconds. Goes out: their ids.
 *
 * A process that ends takes its sign away; one that is killed, frozen or cut off counts for six more seconds.
 */
export class Roster {
  /** Id of this process: `host:pid:random`, new with every start. */
  readonly self = `${hostname()}:${process.pid}:${randomBytes(4).toString('hex')}`;
  readonly #options: RosterOptions;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RosterOptions) {
    this.#options = options;
  }

  /** Shows this process from now on; again without effect. An unreachable state is told again and again. */
  async start(): Promise<void> {
    if (this.#timer !== undefined || this.#closed) return;
    this.#timer = setInterval(() => void this.#show(), RENEWAL_MS).unref();
    await this.#show();
  }

  /** Gives the ids of every process that counts, this one always among them, ordered. @throws SP_STATE_UNREACHABLE */
  async live(): Promise<readonly string[]> {
    const ids = new Set([this.self]);
    let after: string | undefined;
    do {
      const more = after === undefined ? {} : { after };
      const page = await this.#options.records.list(INDEX, { limit: PAGE, ...more });
      for (const { key } of page.records) ids.add(key.slice(PREFIX.length));
      after = page.next;
    } while (after !== undefined);
    return [...ids].sort();
  }

  /** Takes the sign away. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    if (this.#timer === undefined) return;
    await this.#options.records.delete(PREFIX + this.self).catch(() => false);
  }

  async #show(): Promise<void> {
    const value = Buffer.from(JSON.stringify({ pid: process.pid, host: hostname() }));
    try {
      await this.#options.records.put(PREFIX + this.self, value, { ttlMs: LIFE_MS, indexes: [INDEX] });
      if (this.#closed) await this.#options.records.delete(PREFIX + this.self);
    } catch (error) {
      const { code, reason } = asGatewayError(error);
      this.#options.logger.debug({ code, reason }, 'this process could not show itself to the others');
    }
  }
}
