import type { Clock } from '../lib/clock.ts';
import type { EmbeddedConnection } from './embedded-connection.ts';

const EVERY_MS = 5_000;
/** Small, so that a sweep never holds the write lock for longer than some milliseconds. */
const BATCH = 200;
/** How far back the event log reaches: a process that was cut off for longer gets a gap. */
const KEEP_EVENTS_MS = 24 * 60 * 60 * 1000;
const KEEP_EVENTS = 100_000;

const EXPIRED = 'SELECT key FROM records WHERE expires_at <= ? ORDER BY expires_at LIMIT ?';
const OLD_COUNTERS =
  'DELETE FROM counters WHERE name IN (SELECT name FROM counters WHERE resets_at <= ? LIMIT ?)';
const OLD_LEASES = 'DELETE FROM leases WHERE name IN (SELECT name FROM leases WHERE expires_at <= ? LIMIT ?)';
// Ids have no holes, so a prefix of the log is a range of ids.
const OLD_EVENTS = `DELETE FROM events WHERE id IN (
  SELECT id FROM events WHERE at < :oldest OR id <= (SELECT max(id) FROM events) - :keep ORDER BY id LIMIT :batch)
  AND id < (SELECT max(id) FROM events)`;

/**
 * Frees the room of what has expired, a batch at a time, until the returned function is called. Expiry itself is decided by
 * every read: when this never runs, nothing that is over comes back to life. Keeps no process alive.
 */
export function sweepEmbedded(connection: EmbeddedConnection, clock: Clock): () => void {
  let timer: NodeJS.Timeout;
  const later = (ms: number): void => {
    timer = setTimeout(() => later(sweepOnce(connection, clock()) ? EVERY_MS / 50 : EVERY_MS), ms).unref();
  };
  later(EVERY_MS);
  return () => clearTimeout(timer);
}

/** Removes one batch of everything. @returns whether there may be more */
export function sweepOnce(connection: EmbeddedConnection, nowMs: number): boolean {
  try {
    return connection.write((prepare) => {
      const expired = prepare(EXPIRED).all(nowMs, BATCH);
      for (const row of expired) {
        prepare('DELETE FROM record_indexes WHERE key = ?').run(row.key ?? '');
        prepare('DELETE FROM records WHERE key = ?').run(row.key ?? '');
      }
      const counters = prepare(OLD_COUNTERS).run(nowMs, BATCH).changes;
      const leases = prepare(OLD_LEASES).run(nowMs, BATCH).changes;
      const limits = { oldest: nowMs - KEEP_EVENTS_MS, keep: KEEP_EVENTS, batch: BATCH };
      const events = prepare(OLD_EVENTS).run(limits).changes;
      return [expired.length, counters, leases, events].some((count) => Number(count) >= BATCH);
    });
  } catch {
    // The connection has told the health board.
    return false;
  }
}
