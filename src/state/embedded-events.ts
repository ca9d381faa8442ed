import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { EmbeddedConnection, Prepare } from './embedded-connection.ts';
import { bytes, integer } from './embedded-row.ts';
import type { Events, StoredEvent } from './store.ts';

/** How often the file is asked whether another process wrote. */
const POLL_MS = 100;
const BATCH = 500;

const APPEND = 'INSERT INTO events (value, at) VALUES (?, ?)';
const LOG = "SELECT value FROM sequences WHERE name = 'log'";
const NEWEST = "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'events'), 0) AS id";
const OLDEST = 'SELECT coalesce(min(id), 0) AS id FROM events';
const AFTER = 'SELECT id, value FROM events WHERE id > ? ORDER BY id LIMIT ?';

interface Follower {
  /** Id of the last event delivered; `undefined` until `from` was compared with the log. */
  position: number | undefined;
  readonly from: string;
  readonly onEvents: (events: readonly StoredEvent[]) => void;
  readonly onGap: () => void;
}

interface Page {
  readonly events: readonly StoredEvent[];
  /** Whether events between the position and the first one given are lost. */
  readonly missed: boolean;
  readonly last: number;
}

/**
 * The event log in the state file. Ids have no holes: one writer at a time, and a rollback gives its id back. An offset is
 * `LOG-ID`, where LOG is a random number that each file draws once, so that an offset of a file that was replaced is known as foreign.
 */
export class EmbeddedEvents implements Events {
  readonly #connection: EmbeddedConnection;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #followers = new Set<Follower>();
  #seenVersion: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #poked = false;

  constructor(connection: EmbeddedConnection, clock: Clock, logger: Logger) {
    this.#connection = connection;
    this.#clock = clock;
    this.#logger = logger;
  }

  async append(value: Uint8Array): Promise<string> {
    const offset = this.#connection.write((prepare) => {
      const { lastInsertRowid } = prepare(APPEND).run(value, this.#clock());
      return `${logName(prepare)}-${lastInsertRowid}`;
    });
    this.#poke();
    return offset;
  }

  async tail(): Promise<string> {
    return this.#connection.read((prepare) => `${logName(prepare)}-${integer(prepare(NEWEST).get(), 'id')}`);
  }

  follow(from: string, onEvents: Follower['onEvents'], onGap: () => void): () => void {
    const follower: Follower = { position: undefined, from, onEvents, onGap };
    this.#followers.add(follower);
    this.#timer ??= setInterval(() => this.#poll(), POLL_MS).unref();
    this.#poke();
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) this.close();
    };
  }

  close(): void {
    this.#followers.clear();
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  #poke(): void {
    this.#seenVersion = undefined;
    if (this.#poked || this.#followers.size === 0) return;
    this.#poked = true;
    setImmediate(() => {
      this.#poked = false;
      this.#poll();
    });
  }

  #poll(): void {
    if (this.#followers.size === 0) return;
    try {
      // Read before the rows: what is written in between changes it again.
      const version = this.#connection.read((prepare) =>
        integer(prepare('PRAGMA data_version').get(), 'data_version'),
      );
      if (version === this.#seenVersion) return;
      for (const follower of [...this.#followers]) this.#deliver(follower);
      this.#seenVersion = version;
    } catch {
      // The connection has told the health board; the next round tries again from the same position.
      this.#seenVersion = undefined;
    }
  }

  #deliver(follower: Follower): void {
    follower.position ??= this.#start(follower);
    while (this.#followers.has(follower)) {
      const page = this.#readAfter(follower.position);
      if (page.missed) this.#call(follower.onGap);
      if (page.events.length === 0) return;
      follower.position = page.last;
      this.#call(() => follower.onEvents(page.events));
      if (page.events.length < BATCH) return;
    }
  }

  #readAfter(position: number): Page {
    return this.#connection.read((prepare) => {
      const log = logName(prepare);
      const rows = prepare(AFTER).all(position, BATCH);
      // Trimmed while this process was away for longer than the log reaches back.
      const missed = rows.length > 0 && integer(rows[0], 'id') > position + 1;
      const events = rows.map((row) => ({
        offset: `${log}-${integer(row, 'id')}`,
        value: bytes(row, 'value'),
      }));
      return { events, missed, last: rows.length > 0 ? integer(rows.at(-1), 'id') : position };
    });
  }

  /** Gives the id after which to begin; an offset that this log never gave begins with a gap. */
  #start(follower: Follower): number {
    const { log, newest } = this.#connection.read((prepare) => ({
      log: logName(prepare),
      newest: integer(prepare(NEWEST).get(), 'id'),
    }));
    const [name, id] = follower.from.split('-');
    const position = Number(id);
    if (name === String(log) && Number.isSafeInteger(position) && position >= 0 && position <= newest) {
      return position;
    }
    this.#call(follower.onGap);
    return this.#connection.read((prepare) => Math.max(0, integer(prepare(OLDEST).get(), 'id') - 1));
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (thrown) {
      this.#logger.error({ err: thrown }, 'a follower of the event log failed');
    }
  }
}

function logName(prepare: Prepare): number {
  return integer(prepare(LOG).get(), 'value');
}
