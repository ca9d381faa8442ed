import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import { type FileFailure, fileFailure } from './embedded-failure.ts';
import { prepareSchema } from './embedded-schema.ts';
import type { HealthBoard } from './health-board.ts';

/** How long one call waits for another process's write. Bounded low: the wait holds the whole process. */
const BUSY_MS = 500;
/** Most memory for pages: enough that of a million sessions only the leaves are read from the file. Taken as it is needed. */
const CACHE_KIB = 32 * 1024;
/** How often a state that is down or full is tried again. */
const RETRY_MS = 250;

/** Where a state file lies, and how large it may become. */
export interface EmbeddedFile {
  readonly path: string;
  /** Greatest size in pages of 4 KiB; absent: as the disk allows. */
  readonly maxPages?: number;
}

/** Gives the prepared statement of a text; each text is prepared once per connection. */
export type Prepare = (sql: string) => StatementSync;

/**
 * One open state file. Everything is synchronous: a call costs some ten microseconds, and what another process writes is waited for
 * at most half a second, not at all while the file is down.
 */
export class EmbeddedConnection {
  readonly #file: EmbeddedFile;
  readonly #health: HealthBoard;
  readonly #logger: Logger;
  readonly #statements = new Map<string, StatementSync>();
  #db: DatabaseSync | undefined;
  #retry: NodeJS.Timeout | undefined;
  #full = false;
  #closed = false;

  /** @throws SP_STATE_CORRUPT, SP_STATE_UNREACHABLE when the file can never be used; one that is locked or full is tried again */
  constructor(file: EmbeddedFile, health: HealthBoard, logger: Logger) {
    this.#file = file;
    this.#health = health;
    this.#logger = logger;
    try {
      this.#open();
    } catch (thrown) {
      const failure = this.#failure(thrown);
      if (!failure.passing) throw failure.error;
      this.#note(failure, true);
    }
  }

  /** Runs statements that only read. @throws SP_STATE_UNREACHABLE, SP_STATE_CORRUPT */
  read<T>(run: (prepare: Prepare) => T): T {
    try {
      this.#open();
      return run(this.#prepare);
    } catch (thrown) {
      throw this.#fail(thrown);
    }
  }

  /** Runs statements as one transaction: all of it is written, or nothing. @throws SP_STATE_UNREACHABLE, SP_STATE_FULL, SP_STATE_CORRUPT */
  write<T>(run: (prepare: Prepare) => T): T {
    try {
      const db = this.#open();
      const result = transaction(db, () => run(this.#prepare));
      this.#reachable(db);
      return result;
    } catch (thrown) {
      throw this.#fail(thrown);
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#statements.clear();
    this.#db?.close();
    this.#db = undefined;
  }

  readonly #prepare: Prepare = (sql) => {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#open().prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  };

  #open(): DatabaseSync {
    if (this.#db !== undefined) return this.#db;
    if (this.#closed) {
      throw new GatewayError('SP_STATE_UNREACHABLE', { detail: 'the state is closed', reason: 'closed' });
    }
    const { path, maxPages } = this.#file;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // SQLite would make the file readable for everybody; its -wal and -shm files take over the mode of this one.
    closeSync(openSync(path, 'a', 0o600));
    const db = new DatabaseSync(path, { timeout: this.#health.current.up ? BUSY_MS : 0 });
    try {
      db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216');
      db.exec(`PRAGMA cache_size = -${CACHE_KIB}`);
      prepareSchema(db, path);
      if (maxPages !== undefined) db.exec(`PRAGMA max_page_count = ${maxPages}`);
    } catch (thrown) {
      db.close();
      throw thrown;
    }
    this.#db = db;
    return db;
  }

  #fail(thrown: unknown): unknown {
    if (thrown instanceof GatewayError || thrown instanceof RangeError) return thrown;
    const failure = this.#failure(thrown);
    this.#note(failure, false);
    return failure.error;
  }

  #failure(thrown: unknown): FileFailure {
    const known = fileFailure(thrown, this.#file.path);
    if (known !== undefined) return known;
    const error =
      thrown instanceof GatewayError ? thrown : new GatewayError('SP_INTERNAL', { cause: thrown });
    return { error, passing: false };
  }

  #note({ error }: FileFailure, opening: boolean): void {
    if (error.code === 'SP_STATE_FULL' && !this.#full) {
      this.#full = true;
      this.#logger.error({ code: error.code, detail: error.detail }, 'the state has no room left');
    }
    if (error.code === 'SP_STATE_UNREACHABLE' || opening) {
      this.#health.set(false, error.detail);
      this.#db?.exec('PRAGMA busy_timeout = 0');
    }
    if (this.#full || !this.#health.current.up) this.#tryLater();
  }

  #reachable(db: DatabaseSync): void {
    if (this.#health.current.up) return;
    db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    this.#health.set(true);
  }

  #tryLater(): void {
    if (this.#closed || this.#retry !== undefined) return;
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      try {
        this.write(probe);
        if (this.#full) this.#logger.info({}, 'the state has room again');
        this.#full = false;
      } catch {
        this.#tryLater();
      }
    }, RETRY_MS);
    this.#retry.unref();
  }
}

/** Writes and removes some pages: succeeds only when there is room and nobody else holds the lock. */
function probe(prepare: Prepare): void {
  prepare('INSERT INTO probes (filler) VALUES (zeroblob(16384))').run();
  prepare('DELETE FROM probes').run();
}

function transaction<T>(db: DatabaseSync, run: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = run();
    db.exec('COMMIT');
    return result;
  } catch (thrown) {
    // After SQLITE_FULL the engine has often rolled back by itself.
    if (db.isTransaction) db.exec('ROLLBACK');
    throw thrown;
  }
}
