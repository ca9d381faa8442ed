import { canonicalName } from '../accounts/account-name.ts';
import { Accounts } from '../accounts/accounts.ts';
import { DEFAULT_HASH_PARAMETERS } from '../accounts/argon2id.ts';
import { HashPool } from '../accounts/hash-pool.ts';
import { ApiKeys } from '../api-keys/api-keys.ts';
import { VerifiedCache, type VerifiedCacheBounds } from '../authenticate/verified-cache.ts';
import type { ApiKeyConfig, AuthenticateConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import { FailureCounter } from '../limits/failures.ts';
import { SecondFactors } from '../second-factors/second-factors.ts';
import { Revocations } from '../sessions/revocations.ts';
import { Sessions } from '../sessions/sessions.ts';
import type { Notices } from '../state/notices.ts';
import type { Store } from '../state/store.ts';

/** Everything by which people and programs are known: what is kept in the state, and what this process remembers of it. */
export interface Credentials {
  readonly revocations: Revocations;
  readonly sessions: Sessions;
  readonly accounts: Accounts;
  readonly failures: FailureCounter;
  readonly apiKeys: ApiKeys;
  readonly secondFactors: SecondFactors;
  readonly cache: VerifiedCache;
  /** Takes the ages and sizes of another configuration. */
  configure(authenticate: AuthenticateConfig): void;
}

/** What the credentials stand on, and their first configuration. */
export interface CredentialParts {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly authenticate: AuthenticateConfig;
}

/** Most passwords that are hashed at once, per process. */
const HASHES_AT_ONCE = 2;

/** Builds the credentials and lets what ends tell what hangs on it. Reads nothing yet: `revocations` is to be started. */
export function makeCredentials({ authenticate, ...base }: CredentialParts): Credentials {
  const { store, notices, clock } = base;
  const revocations = new Revocations(base);
  const sessions = new Sessions({
    ...base,
    config: authenticate.session,
    accountOf: (name) => accounts.get(name),
  });
  const accounts: Accounts = new Accounts({
    ...base,
    hashing: { pool: new HashPool({ concurrency: HASHES_AT_ONCE }), parameters: DEFAULT_HASH_PARAMETERS },
    endSessions: (name) => sessions.revokeAll(name),
    forget: (name) => Promise.all([apiKeys.revokeAll(name), secondFactors.reset(name)]),
  });
  const apiKeys = new ApiKeys({
    ...base,
    ...apiKeySettings(authenticate),
    endSessions: (id) => sessions.endByParent(`api-key:${id}`),
    accountOf: (name) => accounts.get(name),
  });
  const secondFactors = makeSecondFactors(base);
  const cache = new VerifiedCache({
    ...cacheSettings(authenticate),
    clock,
    isStateUp: () => store.health().up,
    isRevoked: (token) => revocations.isRevoked(token),
  });
  notices.on((notice) => cache.forget(notice));
  notices.onGap(() => cache.forgetAll());
  const failures = new FailureCounter({ ...base, canonicalName });
  return {
    revocations,
    sessions,
    accounts,
    failures,
    apiKeys,
    secondFactors,
    cache,
    configure(wanted) {
      sessions.configure(wanted.session);
      apiKeys.configure(apiKeySettings(wanted));
      cache.configure(cacheSettings(wanted));
    },
  };
}

function makeSecondFactors(base: Omit<CredentialParts, 'authenticate'>): SecondFactors {
  // Apart from passwords, or a right password would give fresh guesses at the code. Users are canonical here.
  const failures = new FailureCounter({
    ...base,
    name: 'second-factor-failures',
    canonicalName: (user) => user,
  });
  return new SecondFactors({ ...base, failures, issuer: 'Sallyport' });
}

function apiKeySettings({ apiKey }: AuthenticateConfig): ApiKeyConfig {
  return apiKey ?? { maxLifeMs: 0, confirmMs: 0 };
}

function cacheSettings({ cacheEntries, cacheMs, graceMs }: AuthenticateConfig): VerifiedCacheBounds {
  return { entries: cacheEntries, cacheMs, graceMs };
}
