import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { EmbeddedConnection } from './embedded-connection.ts';
import { EmbeddedCounters } from './embedded-counters.ts';
import { EmbeddedEvents } from './embedded-events.ts';
import { EmbeddedLeases } from './embedded-leases.ts';
import { EmbeddedRecords } from './embedded-records.ts';
import { sweepEmbedded } from './embedded-sweep.ts';
import { HealthBoard } from './health-board.ts';
import type { Store } from './store.ts';

/** What a state in a file needs. */
export interface EmbeddedOptions {
  /** Of the SQLite file; made with mode 0600, its folder with 0700, when they are not there. */
  readonly path: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Greatest size of the file in pages of 4 KiB; absent: as the disk allows. */
  readonly maxPages?: number;
}

/**
 * Opens the state file: the driver of one machine. Several processes may have it open; each sees the others' events within
 * some 100 ms. What is written survives a kill of the process; a power cut may cost the last moments, never the file.
 *
 * A file that is locked or has no room at the start is no failure: the store begins as down and comes up by itself.
 *
 * @throws SP_STATE_CORRUPT when the file is not a state file of this version; the detail says what to do
 * @throws SP_STATE_UNREACHABLE when the path cannot be opened, e.g. for want of rights
 */
export function openEmbeddedStore(options: EmbeddedOptions): Store {
  const { clock, logger } = options;
  const health = new HealthBoard('embedded', true, clock, logger);
  const connection = new EmbeddedConnection(options, health, logger);
  const events = new EmbeddedEvents(connection, clock, logger);
  const stopSweeping = sweepEmbedded(connection, clock);
  return {
    records: new EmbeddedRecords(connection, clock),
    counters: new EmbeddedCounters(connection, clock),
    leases: new EmbeddedLeases(connection, clock),
    events,
    health: () => health.current,
    onHealth: (listener) => health.listen(listener),
    async close() {
      stopSweeping();
      events.close();
      health.close();
      connection.close();
    },
  };
}
