import { randomBytes } from 'node:crypto';
import { asGatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { SEALED_INDEX, type Sealer } from '../lib/seal.ts';
import type { Records } from '../state/store.ts';

/** Where ticket keys are kept, and what seals them there. */
export interface TicketKeysOptions {
  readonly records: Records;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
}

const RECORD = 'ticket-keys';
const KEY_BYTES = 48;
/** A key is used for half a day, counted from the epoch: every process changes at the same moment. */
const PERIOD_MS = 12 * 3600_000;
/** More often than a period ends: the next key is known before it is needed. */
const LOOK_MS = 60_000;
const ENTRY_BYTES = 8 + KEY_BYTES;

/**
 * The keys of TLS session tickets, the same in every process on one state, sealed there: a client resumes wherever it lands.
 *
 * The key of a period and that of the next are kept, no older one: what was sealed with it is lost with it, and its
 * tickets lead to a full handshake. Without the state a process goes on with the next key, then with one of its own.
 *
 * @see RFC 5077 §5.5, RFC 8446 §C.4
 */
export class TicketKeys {
  readonly #options: TicketKeysOptions;
  readonly #listeners = new Set<(key: Buffer) => void>();
  #periods = new Map<number, Buffer>();
  #current: Buffer = randomBytes(KEY_BYTES);
  #currentPeriod = -1;
  #timer: NodeJS.Timeout | undefined;

  private constructor(options: TicketKeysOptions) {
    this.#options = options;
  }

  /** Reads or makes the keys; when that fails a key of this process serves until it does not. */
  static async load(options: TicketKeysOptions): Promise<TicketKeys> {
    const keys = new TicketKeys(options);
    await keys.refresh();
    keys.#schedule();
    return keys;
  }

  /** Gives the 48 bytes that `setTicketKeys` takes. */
  get current(): Buffer {
    return this.#current;
  }

  /** Calls back with each new key, until the returned function is called. */
  onChange(listener: (key: Buffer) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks at the clock and, when a key is missing, at the state. Rejects never. */
  async refresh(): Promise<void> {
    const period = this.#period();
    try {
      if (!this.#periods.has(period) || !this.#periods.has(period + 1)) await this.#read(period);
    } catch (error) {
      const { code } = asGatewayError(error);
      this.#options.logger.warn({ code }, 'the keys of session tickets could not be read');
    }
    this.#turn(this.#period());
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#listeners.clear();
  }

  #period(): number {
    return Math.floor(this.#options.clock() / PERIOD_MS);
  }

  async #read(period: number): Promise<void> {
    const { records, sealer } = this.#options;
    // The second round reads what another process wrote while this one made a key.
    for (let round = 0; round < 3; round++) {
      const record = await records.get(RECORD);
      const known = record === undefined ? new Map<number, Buffer>() : opened(record.value, sealer);
      const kept = new Map([...known].filter(([at]) => at === period || at === period + 1));
      if (kept.size === 2) {
        this.#periods = kept;
        return;
      }
      for (const at of [period, period + 1]) if (!kept.has(at)) kept.set(at, randomBytes(KEY_BYTES));
      const condition = record === undefined ? { ifAbsent: true } : { ifVersion: record.version };
      await records.put(RECORD, sealer.seal(pack(kept), RECORD), {
        ...condition,
        ttlMs: 2 * PERIOD_MS,
        indexes: [SEALED_INDEX],
      });
    }
  }

  /** Takes the key of a period into use. */
  #turn(period: number): void {
    const key = this.#periods.get(period);
    if (key === undefined ? period === this.#currentPeriod : key.equals(this.#current)) return;
    this.#current = key ?? randomBytes(KEY_BYTES);
    this.#currentPeriod = period;
    for (const at of this.#periods.keys()) if (at < period) this.#periods.delete(at);
    for (const listener of this.#listeners) listener(this.#current);
  }

  #schedule(): void {
    const untilNextMs = PERIOD_MS - (this.#options.clock() % PERIOD_MS);
    const again = (): void => void this.refresh().then(() => this.#schedule());
    this.#timer = setTimeout(again, Math.min(LOOK_MS, untilNextMs)).unref();
  }
}

/** What does not open is of no use to anybody with the present key: new keys take its place. */
function opened(value: Uint8Array, sealer: Sealer): Map<number, Buffer> {
  try {
    return unpack(sealer.open(value, RECORD));
  } catch {
    return new Map();
  }
}

function pack(periods: ReadonlyMap<number, Buffer>): Buffer {
  return Buffer.concat(
    [...periods].map(([period, key]) => {
      const at = Buffer.alloc(8);
      at.writeBigUInt64BE(BigInt(period));
      return Buffer.concat([at, key]);
    }),
  );
}

function unpack(bytes: Uint8Array): Map<number, Buffer> {
  const buffer = Buffer.from(bytes);
  const periods = new Map<number, Buffer>();
  for (let at = 0; at + ENTRY_BYTES <= buffer.length; at += ENTRY_BYTES) {
    periods.set(Number(buffer.readBigUInt64BE(at)), buffer.subarray(at + 8, at + ENTRY_BYTES));
  }
  return periods;
}
