import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Accounts } from '../../../src/accounts/accounts.ts';
import { decoyHash } from '../../../src/accounts/password-hash.ts';
import { openAccounts } from '../../support/open-accounts.ts';

const SAMPLES = 100;
/** A busy machine blurs one measurement; a real difference shows in every one. */
const MEASUREMENTS = 3;
/** Low enough to be fast, high enough to outweigh the lookup, as real costs do. */
const PARAMETERS = { memoryKiB: 4_096, passes: 1, parallelism: 1 };

type Ask = (name: string, password: string) => Promise<unknown>;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

/** Gives the ratio of the medians, known to unknown; they take turns in a random order, so that other work slows both. */
async function ratio(ask: Ask): Promise<number> {
  const samples: Record<'user' | 'none', number[]> = { user: [], none: [] };
  for (let round = 0; round < SAMPLES; round += 1) {
    const order = Math.random() < 0.5 ? (['user', 'none'] as const) : (['none', 'user'] as const);
    for (const kind of order) {
      const startedAt = performance.now();
      await ask(`${kind}${round % 10}`, `wrong horse ${round} ${Math.random()}`);
      samples[kind].push(performance.now() - startedAt);
    }
  }
  return median(samples.user) / median(samples.none);
}

async function assertAlike(accounts: Accounts, ask: Ask): Promise<void> {
  await accounts.verify('warm', 'warm up first');
  const ratios: string[] = [];
  for (let measurement = 0; measurement < MEASUREMENTS; measurement += 1) {
    const value = await ratio(ask);
    if (value > 0.8 && value < 1.25) return;
    ratios.push(value.toFixed(2));
  }
  assert.fail(`known names take ${ratios.join(', ')} times as long as unknown ones`);
}

test('a wrong password takes as long for an unknown name as for a known one', async (t) => {
  const { accounts } = openAccounts(t, PARAMETERS);
  for (let index = 0; index < 10; index += 1)
    await accounts.put(`user${index}`, { password: 'correct horse' });
  await assertAlike(accounts, (name, password) => accounts.verify(name, password));
});

test('several who ask the same at once wait as long for an unknown name as for a known one', async (t) => {
  const { accounts } = openAccounts(t, PARAMETERS);
  for (let index = 0; index < 10; index += 1)
    await accounts.put(`user${index}`, { password: 'correct horse' });
  const four = [1, 2, 3, 4];
  await assertAlike(accounts, (name, password) =>
    Promise.all(four.map(() => accounts.verify(name, password))),
  );
});

test('accounts that are all still under an imported scheme do not stand out', async (t) => {
  const { accounts } = openAccounts(t, PARAMETERS);
  for (let index = 0; index < 10; index += 1) await accounts.importHash(`user${index}`, decoyHash('$2y$06$'));
  await assertAlike(accounts, (name, password) => accounts.verify(name, password));
});
