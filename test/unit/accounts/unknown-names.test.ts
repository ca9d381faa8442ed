import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Accounts } from '../../../src/accounts/accounts.ts';
import { openAccounts } from '../../support/open-accounts.ts';

const SAMPLES = 150;
/** Low enough to be fast, high enough to outweigh the lookup, as real costs do. */
const PARAMETERS = { memoryKiB: 2_048, passes: 1, parallelism: 1 };

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

async function timed(task: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now();
  await task();
  return performance.now() - startedAt;
}

/** Gives the ratio of the medians, known to unknown; samples alternate, so that a busy machine slows both. */
async function ratio(
  accounts: Accounts,
  ask: (name: string, round: number) => Promise<unknown>,
): Promise<number> {
  const known: number[] = [];
  const unknown: number[] = [];
  await accounts.verify('warm', 'warm up first');
  for (let round = 0; round < SAMPLES; round += 1) {
    known.push(await timed(() => ask(`user${round % 10}`, round)));
    unknown.push(await timed(() => ask(`none${round % 10}`, round)));
  }
  return median(known) / median(unknown);
}

function assertAlike(value: number): void {
  assert.ok(
    value > 0.8 && value < 1.25,
    `a known name takes ${value.toFixed(2)} times as long as an unknown one`,
  );
}

test('a wrong password takes as long for an unknown name as for a known one', async (t) => {
  const { accounts } = openAccounts(t, PARAMETERS);
  for (let index = 0; index < 10; index += 1)
    await accounts.put(`user${index}`, { password: 'correct horse' });
  assertAlike(await ratio(accounts, (name, round) => accounts.verify(name, `wrong horse ${round}`)));
});

test('several who ask the same at once wait as long for an unknown name as for a known one', async (t) => {
  const { accounts } = openAccounts(t, PARAMETERS);
  for (let index = 0; index < 10; index += 1)
    await accounts.put(`user${index}`, { password: 'correct horse' });
  const ask = (name: string, round: number) =>
    Promise.all(Array.from({ length: 4 }, () => accounts.verify(name, `wrong horse ${round}`)));
  assertAlike(await ratio(accounts, ask));
});

test('accounts that are all still under an imported scheme do not stand out', async (t) => {
  const { accounts } = openAccounts(t, PARAMETERS);
  const bcrypt = '$2y$04$00Xz9hE7pg3wbYemyAa0IOBD46RFtEkaUxffeLfWMc87LrKb5DlA6';
  for (let index = 0; index < 10; index += 1) await accounts.importHash(`user${index}`, bcrypt);
  assertAlike(await ratio(accounts, (name, round) => accounts.verify(name, `wrong horse ${round}`)));
});
