import type { Clock } from '../lib/clock.ts';
import { pageSize, putLife } from './checks.ts';
import type { EmbeddedConnection, Prepare } from './embedded-connection.ts';
import { bytes, integer, type Row, text } from './embedded-row.ts';
import type { PutOptions, RecordPage, Records, StoredRecord } from './store.ts';

const COLUMNS = 'r.key, r.value, r.version, r.expires_at';
const LIVE = '(r.expires_at IS NULL OR r.expires_at > ?)';
const GET = `SELECT ${COLUMNS} FROM records r WHERE r.key = ? AND ${LIVE}`;
const MEMBERS = `SELECT ${COLUMNS} FROM record_indexes i JOIN records r ON r.key = i.key WHERE i.name = ?`;
const FIRST_PAGE = `${MEMBERS} AND ${LIVE} ORDER BY i.key LIMIT ?`;
const NEXT_PAGE = `${MEMBERS} AND i.key > ? AND ${LIVE} ORDER BY i.key LIMIT ?`;
const NEXT_VERSION = "UPDATE sequences SET value = value + 1 WHERE name = 'version' RETURNING value";
const PUT = `INSERT INTO records (key, value, version, expires_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (key) DO UPDATE SET value = excluded.value, version = excluded.version, expires_at = excluded.expires_at`;
const CLEAR_INDEXES = 'DELETE FROM record_indexes WHERE key = ?';
const ADD_INDEX = 'INSERT OR IGNORE INTO record_indexes (name, key) VALUES (?, ?)';
const DELETE = 'DELETE FROM records WHERE key = ?';

/** Records in the state file. */
export class EmbeddedRecords implements Records {
  readonly #connection: EmbeddedConnection;
  readonly #clock: Clock;

  constructor(connection: EmbeddedConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  async get(key: string): Promise<StoredRecord | undefined> {
    return this.#connection.read((prepare) => find(prepare, key, this.#clock()));
  }

  async put(key: string, value: Uint8Array, options: PutOptions = {}): Promise<number | undefined> {
    const lifeMs = putLife(options);
    const nowMs = this.#clock();
    return this.#connection.write((prepare) => {
      if (!meets(options, () => find(prepare, key, nowMs))) return undefined;
      const version = integer(prepare(NEXT_VERSION).get(), 'value');
      prepare(PUT).run(key, value, version, lifeMs === undefined ? null : nowMs + lifeMs);
      prepare(CLEAR_INDEXES).run(key);
      for (const name of options.indexes ?? []) prepare(ADD_INDEX).run(name, key);
      return version;
    });
  }

  async delete(key: string, options: { readonly ifVersion?: number } = {}): Promise<boolean> {
    const nowMs = this.#clock();
    return this.#connection.write((prepare) => {
      const live = find(prepare, key, nowMs);
      if (live === undefined || !meets(options, () => live)) return false;
      prepare(CLEAR_INDEXES).run(key);
      prepare(DELETE).run(key);
      return true;
    });
  }

  async list(
    index: string,
    options: { readonly after?: string; readonly limit?: number } = {},
  ): Promise<RecordPage> {
    const limit = pageSize(options.limit);
    const nowMs = this.#clock();
    const { after } = options;
    const rows = this.#connection.read((prepare) =>
      after === undefined
        ? prepare(FIRST_PAGE).all(index, nowMs, limit + 1)
        : prepare(NEXT_PAGE).all(index, after, nowMs, limit + 1),
    );
    const records = rows.slice(0, limit).map(record);
    return { records, next: rows.length > limit ? records.at(-1)?.key : undefined };
  }
}

function find(prepare: Prepare, key: string, nowMs: number): StoredRecord | undefined {
  const row = prepare(GET).get(key, nowMs);
  return row === undefined ? undefined : record(row);
}

function meets(options: PutOptions, live: () => StoredRecord | undefined): boolean {
  if (options.ifAbsent === true) return live() === undefined;
  if (options.ifVersion !== undefined) return live()?.version === options.ifVersion;
  return true;
}

function record(row: Row): StoredRecord {
  const expires = row.expires_at;
  return {
    key: text(row, 'key'),
    value: bytes(row, 'value'),
    version: integer(row, 'version'),
    expiresAtMs: expires === null ? undefined : integer(row, 'expires_at'),
  };
}
