import { createHash, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { JsonFields } from '../lib/json-fields.ts';
import { SEALED_INDEX, type Sealer } from '../lib/seal.ts';
import type { Records } from '../state/store.ts';

/** What is kept: fields that JSON can hold. */
export type Kept = Readonly<Record<string, unknown>>;

/** Who may have it back, and how long it is kept. */
export interface Terms {
  /** Secret of the browser, from its form cookie. */
  readonly browser: string;
  readonly ttlMs: number;
}

/**
 * Keeps small things between two requests of one browser, in the state, for any process of the fleet.
 *
 * Every method throws SP_STATE_UNREACHABLE while the state is away.
 *
 * Security: sealed at rest; found only by an id of 256 bits together with the cookie of the browser it was kept for, and
 * taken at most once.
 */
export class OneTime {
  readonly #records: Records;
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  constructor({ records, sealer, clock }: { records: Records; sealer: Sealer; clock: Clock }) {
    this.#records = records;
    this.#sealer = sealer;
    this.#clock = clock;
  }

  /** Keeps it. @param kind - what it is; one kind is never taken for another. @returns the id, base64url */
  async keep(kind: string, kept: Kept, { browser, ttlMs }: Terms): Promise<string> {
    const id = randomBytes(32).toString('base64url');
    const key = keyOf(kind, id);
    const untilMs = this.#clock() + ttlMs;
    const plain = Buffer.from(JSON.stringify({ browser: hashOf(browser), untilMs, kept }));
    await this.#records.put(key, this.#sealer.seal(plain, key), { ttlMs, indexes: [SEALED_INDEX] });
    return id;
  }

  /** Gives what was kept and leaves it there; `undefined` when it is gone or was kept for another browser. */
  async look(
    kind: string,
    id: string | undefined,
    browser: string | undefined,
  ): Promise<JsonFields | undefined> {
    if (id === undefined || browser === undefined || !/^[\w-]{43}$/.test(id)) return undefined;
    const key = keyOf(kind, id);
    const stored = await this.#records.get(key);
    if (stored === undefined) return undefined;
    const fields = new JsonFields(this.#sealer.open(stored.value, key), garbage);
    const isTheirs = fields.text('browser') === hashOf(browser) && this.#clock() < fields.count('untilMs');
    return isTheirs ? new JsonFields(Buffer.from(JSON.stringify(fields.object('kept'))), garbage) : undefined;
  }

  /** Gives what was kept and removes it; of several who take at once one gets it. */
  async take(
    kind: string,
    id: string | undefined,
    browser: string | undefined,
  ): Promise<JsonFields | undefined> {
    const found = await this.look(kind, id, browser);
    if (found === undefined || id === undefined) return undefined;
    return (await this.#records.delete(keyOf(kind, id))) ? found : undefined;
  }
}

function keyOf(kind: string, id: string): string {
  return `one-time:${kind}:${hashOf(id)}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function garbage(why: string): GatewayError {
  return new GatewayError('SP_STATE_CORRUPT', {
    detail: `one-time record: ${why}`,
    reason: 'garbage-record',
  });
}
