import type { Clock } from '../lib/clock.ts';
import { pageSize, putLife } from './checks.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { RedisKeys } from './redis-keys.ts';
import { asBytes, asInteger, asList, asText } from './redis-reply.ts';
import { SCRIPTS } from './redis-scripts.ts';
import type { PutOptions, RecordPage, Records, StoredRecord } from './store.ts';

/** Members of a list that one script looks at: some milliseconds. */
const MOST_LOOKED_AT = 2_000;

/** Records in Redis; each call is one script, a list whose records have mostly expired some more. Redis decides what has expired, `expiresAtMs` is told in the time of `clock`. */
export class RedisRecords implements Records {
  readonly #connection: RedisConnection;
  readonly #keys: RedisKeys;
  readonly #clock: Clock;

  constructor(connection: RedisConnection, keys: RedisKeys, clock: Clock) {
    this.#connection = connection;
    this.#keys = keys;
    this.#clock = clock;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    const reply = await this.#connection.run(SCRIPTS.get, [this.#keys.record(key)], []);
    return reply === null ? undefined : this.#record(key, asList(reply));
  }

  async put(key: string, value: Uint8Array, options: PutOptions = {}): Promise<number | undefined> {
    const lifeMs = putLife(options);
    const names = [...new Set(options.indexes ?? [])];
    const keys = [this.#keys.record(key), ...names.map((name) => this.#keys.index(name))];
    const condition = options.ifAbsent === true ? 'absent' : options.ifVersion === undefined ? '' : 'version';
    const { indexes, records } = this.#keys;
    const settings = [lifeMs ?? '', condition, options.ifVersion ?? '', indexes, records, key];
    const version = asInteger(await this.#connection.run(SCRIPTS.put, keys, [value, ...settings, ...names]));
    return version === 0 ? undefined : version;
  }

  async delete(key: string, options: { readonly ifVersion?: number } = {}): Promise<boolean> {
    const args = [options.ifVersion ?? '', this.#keys.indexes, key];
    return asInteger(await this.#connection.run(SCRIPTS.delete, [this.#keys.record(key)], args)) === 1;
  }

  async list(
    index: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<RecordPage> {
    const limit = pageSize(options.limit);
    const rows: unknown[] = [];
    for (let after = options.after; ; ) {
      const start = after === undefined ? '-' : `(${after}`;
      const args = [index, this.#keys.records, start, limit + 1 - rows.length, MOST_LOOKED_AT];
      const reply = await this.#connection.run(SCRIPTS.list, [this.#keys.index(index)], args);
      const [found, last] = asList(reply);
      rows.push(...asList(found));
      if (last === undefined) break;
      after = asText(last);
    }
    const records = rows.slice(0, limit).map((row) => {
      const [key, ...fields] = asList(row);
      return this.#record(asText(key), fields);
    });
    return { records, next: rows.length > limit ? records.at(-1)?.key : undefined };
  }

  #record(key: string, [value, version, left]: readonly unknown[]): StoredRecord {
    const leftMs = asInteger(left);
    return {
      key,
      value: asBytes(value),
      version: asInteger(version),
      expiresAtMs: leftMs < 0 ? undefined : this.#clock() + leftMs,
    };
  }
}
