import { canonicalName } from '../accounts/account-name.ts';
import { Assertions } from '../authenticate/assertion.ts';
import { OwnKeys } from '../authenticate/own-keys.ts';
import { OwnTokens } from '../authenticate/own-tokens.ts';
import { Probe } from '../certificates/rotation/probe.ts';
import { Roster } from '../certificates/rotation/roster.ts';
import { TicketKeys } from '../certificates/ticket-keys.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { type CoarseClock, startCoarseClock } from '../lib/coarse-clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import { type AccessLog, makeAccessLog } from '../observe/access-log.ts';
import { Audit } from '../observe/audit.ts';
import type { LogSink } from '../observe/log-sink.ts';
import type { Metrics } from '../observe/metrics.ts';
import { makeSecurityLog, type SecurityLog } from '../observe/security-log.ts';
import { Notices } from '../state/notices.ts';
import { openStore } from '../state/open-store.ts';
import { loadStateKey } from '../state/state-key.ts';
import type { Store } from '../state/store.ts';
import { type Credentials, makeCredentials } from './credentials.ts';

/** What every generation of the house stands on: opened once, from the first configuration, closed with the process. */
export interface Foundation extends Credentials {
  readonly clock: Clock;
  readonly coarse: CoarseClock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly accessLog: AccessLog;
  readonly securityLog: SecurityLog;
  readonly store: Store;
  readonly sealer: Sealer;
  readonly notices: Notices;
  readonly ownKeys: OwnKeys;
  readonly ownTokens: OwnTokens;
  readonly assertions: Assertions;
  /** Of the session tickets of every endpoint. */
  readonly ticketKeys: TicketKeys;
  readonly audit: Audit;
  /** The processes on the same state. */
  readonly roster: Roster;
  /** Tries staged certificates at the endpoints of this process. */
  readonly probe: Probe;
  /** Where the dev CA, the admin token and the embedded state live by default. */
  readonly dataFolder: string;
  close(): Promise<void>;
}

/** What has to be there before the foundation. */
export interface FoundationParts {
  readonly config: Config;
  readonly dataFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly sink: LogSink;
  readonly metrics: Metrics;
}

/** Precision of upstream timeouts. */
const TICK_MS = 100;

/**
 * Opens the state and what is built on it.
 *
 * A Redis that does not answer is no failure: what needs it waits, and comes up with it.
 *
 * @throws SP_STATE_KEY when the state was sealed with another key, SP_STATE_UNREACHABLE and SP_STATE_CORRUPT when a
 * state file can never be used, SP_CONFIG_INVALID when the address of the state means nothing
 */
export async function layFoundation(parts: FoundationParts): Promise<Foundation> {
  const { config, clock, logger, metrics, sink } = parts;
  const store = openStore({ url: config.state.url, clock, logger });
  try {
    const sealer = await loadStateKey({ ...config.state, store, logger });
    const notices = new Notices({ store, logger });
    const { authenticate } = config;
    const credentials = makeCredentials({ store, sealer, notices, clock, logger, authenticate });
    const { revocations, sessions, apiKeys } = credentials;
    await revocations.start();
    await notices.start();
    const ownKeys = await OwnKeys.load({ records: store.records, sealer, clock, logger });
    const { records } = store;
    const roster = new Roster({ records, logger });
    const audit = new Audit({ records, destination: sink, clock, logger, process: roster.self });
    const ticketKeys = await TicketKeys.load({ records, sealer, clock, logger });
    const coarse = startCoarseClock(TICK_MS);
    const securityLog = makeSecurityLog({ destination: sink, clock, canonicalName });
    store.onHealth(({ up }) => metrics.storeUp(up));
    metrics.storeUp(store.health().up);
    return {
      ...credentials,
      clock,
      coarse,
      logger,
      metrics,
      accessLog: makeAccessLog(sink, clock),
      securityLog,
      store,
      sealer,
      notices,
      ownKeys,
      ownTokens: new OwnTokens(ownKeys, clock),
      assertions: new Assertions(ownKeys, clock),
      ticketKeys,
      audit,
      roster,
      probe: new Probe(),
      dataFolder: parts.dataFolder,
      async close() {
        coarse.stop();
        securityLog.close();
        ownKeys.close();
        ticketKeys.close();
        await Promise.all([roster.close(), audit.close()]);
        revocations.close();
        await sessions.close();
        await apiKeys.close();
        notices.close();
        await store.close();
      },
    };
  } catch (error) {
    await store.close();
    throw error;
  }
}
