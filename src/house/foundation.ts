import { canonicalName } from '../accounts/account-name.ts';
import { Accounts } from '../accounts/accounts.ts';
import { DEFAULT_HASH_PARAMETERS } from '../accounts/argon2id.ts';
import { HashPool } from '../accounts/hash-pool.ts';
import { ApiKeys } from '../api-keys/api-keys.ts';
import { Assertions } from '../authenticate/assertion.ts';
import { OwnKeys } from '../authenticate/own-keys.ts';
import { OwnTokens } from '../authenticate/own-tokens.ts';
import { VerifiedCache } from '../authenticate/verified-cache.ts';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { type CoarseClock, startCoarseClock } from '../lib/coarse-clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import { FailureCounter } from '../limits/failures.ts';
import { type AccessLog, makeAccessLog } from '../observe/access-log.ts';
import type { LogSink } from '../observe/log-sink.ts';
import type { Metrics } from '../observe/metrics.ts';
import { makeSecurityLog, type SecurityLog } from '../observe/security-log.ts';
import { SecondFactors } from '../second-factors/second-factors.ts';
import { Revocations } from '../sessions/revocations.ts';
import { Sessions } from '../sessions/sessions.ts';
import { Notices } from '../state/notices.ts';
import { openStore } from '../state/open-store.ts';
import { loadStateKey } from '../state/state-key.ts';
import type { Store } from '../state/store.ts';

/** What every generation of the house stands on: opened once, from the first configuration, closed with the process. */
export interface Foundation {
  readonly clock: Clock;
  readonly coarse: CoarseClock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly accessLog: AccessLog;
  readonly securityLog: SecurityLog;
  readonly store: Store;
  readonly sealer: Sealer;
  readonly notices: Notices;
  readonly revocations: Revocations;
  readonly sessions: Sessions;
  readonly accounts: Accounts;
  readonly failures: FailureCounter;
  readonly apiKeys: ApiKeys;
  readonly secondFactors: SecondFactors;
  readonly ownKeys: OwnKeys;
  readonly ownTokens: OwnTokens;
  readonly assertions: Assertions;
  readonly cache: VerifiedCache;
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
/** Most passwords that are hashed at once, per process. */
const HASHES_AT_ONCE = 2;

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
    const revocations = new Revocations({ store, notices, clock, logger });
    const sessions = new Sessions({
      store,
      notices,
      clock,
      logger,
      config: config.authenticate.session,
      sealer,
      accountOf: (name) => accounts.get(name),
    });
    const accounts: Accounts = new Accounts({
      store,
      notices,
      clock,
      logger,
      hashing: { pool: new HashPool({ concurrency: HASHES_AT_ONCE }), parameters: DEFAULT_HASH_PARAMETERS },
      endSessions: (name) => sessions.revokeAll(name),
      forget: (name) => Promise.all([apiKeys.revokeAll(name), secondFactors.reset(name)]),
    });
    const apiKeys = new ApiKeys({
      store,
      notices,
      clock,
      logger,
      maxLifeMs: config.authenticate.apiKey?.maxLifeMs ?? 0,
      endSessions: (id) => sessions.endByParent(`api-key:${id}`),
      accountOf: (name) => accounts.get(name),
    });
    const secondFactors = new SecondFactors({
      store,
      sealer,
      clock,
      logger,
      // Apart from passwords, or a right password would give fresh guesses at the code. Users are canonical here.
      failures: new FailureCounter({
        store,
        clock,
        logger,
        name: 'second-factor-failures',
        canonicalName: (user) => user,
      }),
      issuer: 'Sallyport',
    });
    const cache = new VerifiedCache({
      entries: config.authenticate.cacheEntries,
      cacheMs: config.authenticate.cacheMs,
      graceMs: config.authenticate.graceMs,
      clock,
      isStateUp: () => store.health().up,
      isRevoked: (token) => revocations.isRevoked(token),
    });
    notices.on((notice) => cache.forget(notice));
    notices.onGap(() => cache.forgetAll());
    await revocations.start();
    await notices.start();
    const ownKeys = await OwnKeys.load({ records: store.records, sealer, clock, logger });
    const coarse = startCoarseClock(TICK_MS);
    store.onHealth(({ up }) => metrics.storeUp(up));
    metrics.storeUp(store.health().up);
    return {
      clock,
      coarse,
      logger,
      metrics,
      accessLog: makeAccessLog(sink, clock),
      securityLog: makeSecurityLog({ destination: sink, clock, canonicalName }),
      store,
      sealer,
      notices,
      revocations,
      sessions,
      accounts,
      failures: new FailureCounter({ store, clock, logger, canonicalName }),
      apiKeys,
      secondFactors,
      ownKeys,
      ownTokens: new OwnTokens(ownKeys, clock),
      assertions: new Assertions(ownKeys, clock),
      cache,
      dataFolder: parts.dataFolder,
      async close() {
        coarse.stop();
        ownKeys.close();
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
