import type { TestContext } from 'node:test';
import { Accounts } from '../../src/accounts/accounts.ts';
import { HashPool } from '../../src/accounts/hash-pool.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import type { Notices } from '../../src/state/notices.ts';
import type { Store } from '../../src/state/store.ts';
import { type Cellar, openCellar } from './cellar.ts';

/** Cheap enough for tests that hash a lot. */
export const TEST_HASH_PARAMETERS = { memoryKiB: 64, passes: 1, parallelism: 1 };

interface OpenedAccounts extends Cellar {
  readonly accounts: Accounts;
  /** Names whose sessions were ended, in order. */
  readonly ended: string[];
  /** Gives the accounts as another process sees them. */
  at(place: { readonly store: Store; readonly notices: Notices }, logger?: Logger): Accounts;
  /** Gives the stored hash of an account. */
  hashOf(name: string): Promise<string>;
}

/** Opens accounts on an empty cellar, with cheap hashes. */
export function openAccounts(t: TestContext, parameters = TEST_HASH_PARAMETERS): OpenedAccounts {
  const cellar = openCellar(t);
  const ended: string[] = [];
  const at: OpenedAccounts['at'] = ({ store, notices }, logger = silentLogger) =>
    new Accounts({
      store,
      notices,
      logger,
      clock: cellar.clock,
      hashing: { pool: new HashPool(), parameters },
      endSessions: async (name) => ended.push(name),
    });
  const hashOf = async (name: string) => {
    const stored = await cellar.store.records.get(`account:${name}`);
    const record: { hash: string } = JSON.parse(Buffer.from(stored?.value ?? []).toString());
    return record.hash;
  };
  return { ...cellar, accounts: at(cellar), ended, at, hashOf };
}
