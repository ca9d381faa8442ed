import type { Clock } from '../lib/clock.ts';
import { step, wholeMs } from './checks.ts';
import type { EmbeddedConnection } from './embedded-connection.ts';
import { integer } from './embedded-row.ts';
import type { Count, Counters } from './store.ts';

const INCREMENT = `INSERT INTO counters (name, count, resets_at) VALUES (:name, :by, :now + :window)
  ON CONFLICT (name) DO UPDATE SET
    count = CASE WHEN resets_at > :now THEN count + :by ELSE :by END,
    resets_at = CASE WHEN resets_at > :now THEN resets_at ELSE :now + :window END
  RETURNING count, resets_at`;
const READ = 'SELECT count, resets_at FROM counters WHERE name = ? AND resets_at > ?';

/** Windowed counters in the state file. */
export class EmbeddedCounters implements Counters {
  readonly #connection: EmbeddedConnection;
  readonly #clock: Clock;

  constructor(connection: EmbeddedConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  async increment(name: string, windowMs: number, by?: number): Promise<Count> {
    const values = { name, by: step(by), window: wholeMs('windowMs', windowMs), now: this.#clock() };
    const row = this.#connection.write((prepare) => prepare(INCREMENT).get(values));
    return { count: integer(row, 'count'), resetsAtMs: integer(row, 'resets_at') };
  }

  async read(name: string): Promise<Count> {
    const nowMs = this.#clock();
    const row = this.#connection.read((prepare) => prepare(READ).get(name, nowMs));
    if (row === undefined) return { count: 0, resetsAtMs: nowMs };
    return { count: integer(row, 'count'), resetsAtMs: integer(row, 'resets_at') };
  }

  async reset(name: string): Promise<void> {
    this.#connection.write((prepare) => prepare('DELETE FROM counters WHERE name = ?').run(name));
  }
}
