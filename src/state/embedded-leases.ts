import type { Clock } from '../lib/clock.ts';
import { wholeMs } from './checks.ts';
import type { EmbeddedConnection } from './embedded-connection.ts';
import { integer } from './embedded-row.ts';
import type { Lease, Leases } from './store.ts';

const HELD = 'SELECT fence FROM leases WHERE name = ? AND holder <> ? AND expires_at > ?';
// One sequence for all names: rows of leases that ended can be swept and a fence still never comes back.
const NEXT_FENCE = "UPDATE sequences SET value = value + 1 WHERE name = 'fence' RETURNING value";
const TAKE = 'INSERT OR REPLACE INTO leases (name, holder, fence, expires_at) VALUES (?, ?, ?, ?)';
const RENEW = 'UPDATE leases SET expires_at = ? WHERE name = ? AND fence = ? AND expires_at > ?';

/** Leases in the state file. */
export class EmbeddedLeases implements Leases {
  readonly #connection: EmbeddedConnection;
  readonly #clock: Clock;

  constructor(connection: EmbeddedConnection, clock: Clock) {
    this.#connection = connection;
    this.#clock = clock;
  }

  async acquire(name: string, holder: string, ttlMs: number): Promise<Lease | undefined> {
    const lifeMs = wholeMs('ttlMs', ttlMs);
    const nowMs = this.#clock();
    return this.#connection.write((prepare) => {
      if (prepare(HELD).get(name, holder, nowMs) !== undefined) return undefined;
      const fence = integer(prepare(NEXT_FENCE).get(), 'value');
      prepare(TAKE).run(name, holder, fence, nowMs + lifeMs);
      return { name, holder, fence };
    });
  }

  async renew(lease: Lease, ttlMs: number): Promise<boolean> {
    const lifeMs = wholeMs('ttlMs', ttlMs);
    const nowMs = this.#clock();
    const result = this.#connection.write((prepare) =>
      prepare(RENEW).run(nowMs + lifeMs, lease.name, lease.fence, nowMs),
    );
    return result.changes === 1;
  }

  async release(lease: Lease): Promise<void> {
    this.#connection.write((prepare) =>
      prepare('DELETE FROM leases WHERE name = ? AND fence = ?').run(lease.name, lease.fence),
    );
  }
}
