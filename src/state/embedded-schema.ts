import type { DatabaseSync } from 'node:sqlite';
import { GatewayError } from '../errors.ts';
import { integer } from './embedded-row.ts';

/** Marks our files among all SQLite files: "SPSt". */
const APPLICATION_ID = 0x53505374;
const VERSION = 1;

/** `records.key` and `record_indexes` compare as bytes, as Redis does. `sequences` holds what only grows, and the log's name. */
const TABLES = `
CREATE TABLE records (
  key TEXT PRIMARY KEY, value BLOB NOT NULL, version INTEGER NOT NULL, expires_at INTEGER
) STRICT;
CREATE INDEX records_expiry ON records (expires_at) WHERE expires_at IS NOT NULL;
CREATE TABLE record_indexes (name TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (name, key)) STRICT, WITHOUT ROWID;
CREATE INDEX record_indexes_key ON record_indexes (key);
CREATE TABLE counters (
  name TEXT PRIMARY KEY, count INTEGER NOT NULL, resets_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX counters_expiry ON counters (resets_at);
CREATE TABLE leases (
  name TEXT PRIMARY KEY, holder TEXT NOT NULL, fence INTEGER NOT NULL, expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE events (id INTEGER PRIMARY KEY AUTOINCREMENT, value BLOB NOT NULL, at INTEGER NOT NULL) STRICT;
CREATE TABLE sequences (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE probes (filler BLOB NOT NULL) STRICT;
INSERT INTO sequences VALUES ('version', 0), ('fence', 0), ('log', abs(random() % 9007199254740991));
PRAGMA application_id = ${APPLICATION_ID};
PRAGMA user_version = ${VERSION};
`;

/**
 * Makes the tables in an empty file; does nothing when they are there. Safe when several processes do it at once.
 *
 * @throws SP_STATE_CORRUPT when the file is another program's, or was made by a newer version
 */
export function prepareSchema(db: DatabaseSync, path: string): void {
  if (isPrepared(db, path)) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    // Another process may have made them while this one waited for the lock.
    if (!isPrepared(db, path)) db.exec(TABLES);
    db.exec('COMMIT');
  } catch (thrown) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}

function isPrepared(db: DatabaseSync, path: string): boolean {
  const application = integer(db.prepare('PRAGMA application_id').get(), 'application_id');
  const version = integer(db.prepare('PRAGMA user_version').get(), 'user_version');
  const tables = integer(db.prepare('SELECT count(*) AS n FROM sqlite_schema').get(), 'n');
  if (tables === 0) return false;
  if (application === APPLICATION_ID && version === VERSION) return true;
  const why = application === APPLICATION_ID ? `of format ${version}` : 'of another program';
  throw new GatewayError('SP_STATE_CORRUPT', {
    detail: `${path} is a database ${why}, this version reads format ${VERSION}; name another file in \`state\``,
    reason: 'format',
  });
}
