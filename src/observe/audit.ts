import { randomBytes } from 'node:crypto';
import { asGatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { JsonFields } from '../lib/json-fields.ts';
import type { Logger } from '../lib/logger.ts';
import { pagesOf } from '../lib/pages.ts';
import type { Records } from '../state/store.ts';
import { jsonText } from './json-text.ts';
import type { LogSink } from './log-sink.ts';

/** Who did something: the bearer of the admin token, by hand or through the command line, or the gateway by itself. */
export type AuditActor = 'admin-token' | 'cli' | 'system';

/** Something that changed what the gateway does, or was meant to. Security: no secret is ever among the values. */
export interface AuditEntry {
  readonly who: AuditActor;
  /** Address of the one who asked. */
  readonly address?: string | undefined;
  /** Method and route of a request, e.g. `PUT /v1/users/:name`, or a step such as `rotation-committed`. */
  readonly what: string;
  /** Name or id of what was changed. */
  readonly target?: string | undefined;
  readonly outcome: 'done' | 'failed';
  /** Code of the failure. */
  readonly code?: string | undefined;
  /** Fingerprints of the certificate before and after. */
  readonly before?: string | undefined;
  readonly after?: string | undefined;
  /** Ties the steps of one rotation together. */
  readonly rotation?: string | undefined;
  /** Why a certificate was changed: a word of a closed set. */
  readonly cause?: string | undefined;
  /** Ids of processes that took part, or what went wrong where. */
  readonly processes?: readonly string[] | undefined;
  readonly missing?: readonly string[] | undefined;
  readonly problems?: readonly string[] | undefined;
}

/** An entry as it is kept; `id` orders: a later entry has a smaller one. */
export type AuditRecord = AuditEntry & {
  readonly id: string;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  /** Id of the process that wrote it. */
  readonly process: string;
};

export interface AuditOptions {
  readonly records: Records;
  readonly destination: Pick<LogSink, 'write'>;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly process: string;
}

const INDEX = 'audit';
const PREFIX = 'audit/';
/** Kept for 90 days, and at most so many. */
const LIFE_MS = 90 * 24 * 3600_000;
const MOST = 10_000;
const PRUNE_EVERY = 100;
const PAGE = 1000;
const LATEST_MS = 10 ** 15;

/**
 * The audit log: one line with `"log":"audit"` per change beside the other logs, and one record in the state, so that
 * the whole fleet's changes can be listed anywhere. The line is written even when the state is away.
 */
export class Audit {
  readonly #options: AuditOptions;
  #written = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(options: AuditOptions) {
    this.#options = options;
  }

  /** Takes an entry; nobody waits for it and it never fails. */
  record(entry: AuditEntry): void {
    const { clock, destination, process } = this.#options;
    const nowMs = clock();
    const time = new Date(nowMs).toISOString();
    const id = `${String(LATEST_MS - nowMs).padStart(15, '0')}-${randomBytes(6).toString('hex')}`;
    const fields = { ...entry, process };
    destination.write(`${lineOf({ time, log: 'audit', ...fields })}\n`);
    const value = Buffer.from(JSON.stringify({ time, ...fields }));
    this.#last = this.#last.then(() => this.#keep(PREFIX + id, value));
  }

  /**
   * Gives entries, the newest first.
   *
   * @param limit - 1 to 1000
   * @param after - id of the entry before the first wanted one
   * @throws SP_STATE_UNREACHABLE
   */
  async list(limit: number, after: string | undefined): Promise<readonly AuditRecord[]> {
    const more = after === undefined ? {} : { after: PREFIX + after };
    const { records } = await this.#options.records.list(INDEX, { limit, ...more });
    return records.map(({ key, value }) => decode(key.slice(PREFIX.length), value));
  }

  /** Waits until what was taken is kept. */
  async close(): Promise<void> {
    await this.#last;
  }

  async #keep(key: string, value: Uint8Array): Promise<void> {
    const { records, logger } = this.#options;
    try {
      await records.put(key, value, { ttlMs: LIFE_MS, indexes: [INDEX] });
      if (++this.#written % PRUNE_EVERY === 0) await this.#prune();
    } catch (error) {
      const { code, reason } = asGatewayError(error);
      logger.warn(
        { code, reason },
        'an entry of the audit log is in the log only: the state did not take it',
      );
    }
  }

  /** Removes the oldest entries beyond the bound. */
  async #prune(): Promise<void> {
    const { records } = this.#options;
    let seen = 0;
    for await (const page of pagesOf((place) => records.list(INDEX, { limit: PAGE, ...place })))
      for (const { key } of page) if (++seen > MOST) await records.delete(key);
  }
}

function lineOf(fields: Readonly<Record<string, unknown>>): string {
  const parts = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${jsonText(name)}:${partOf(value)}`);
  return `{${parts.join(',')}}`;
}

function partOf(value: unknown): string {
  return Array.isArray(value)
    ? `[${value.map((item) => jsonText(String(item))).join(',')}]`
    : jsonText(String(value));
}

function decode(id: string, value: Uint8Array): AuditRecord {
  const fields = new JsonFields(value, (why) => new TypeError(`audit record: ${why}`));
  const who = fields.text('who');
  const texts = (name: string) => (fields.has(name) ? fields.texts(name) : undefined);
  return {
    id,
    time: fields.text('time'),
    process: fields.text('process'),
    who: who === 'cli' || who === 'system' ? who : 'admin-token',
    address: fields.optionalText('address'),
    what: fields.text('what'),
    target: fields.optionalText('target'),
    outcome: fields.text('outcome') === 'done' ? 'done' : 'failed',
    code: fields.optionalText('code'),
    before: fields.optionalText('before'),
    after: fields.optionalText('after'),
    rotation: fields.optionalText('rotation'),
    cause: fields.optionalText('cause'),
    processes: texts('processes'),
    missing: texts('missing'),
    problems: texts('problems'),
  };
}
