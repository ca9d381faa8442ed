import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Counters } from '../../src/state/store.ts';
import type { ContractSubject } from './store-contract.ts';

/** What the contract says of counters. */
export function counterRules(subject: () => ContractSubject): void {
  const counters = (): Counters => subject().store.counters;

  it('a counter that never was is 0', async () => {
    const { count, resetsAtMs } = await counters().read('never');
    assert.equal(count, 0);
    assert.ok(Math.abs(resetsAtMs - Date.now()) < 200);
  });

  it('a counter grows by 1, or by as much as is said', async () => {
    assert.equal((await counters().increment('grows', 10_000)).count, 1);
    assert.equal((await counters().increment('grows', 10_000)).count, 2);
    assert.equal((await counters().increment('grows', 10_000, 40)).count, 42);
    assert.equal((await counters().read('grows')).count, 42);
  });

  it('the window starts with the first increment and is not moved by later ones', async () => {
    const begun = Date.now();
    const first = await counters().increment('window', 250);
    assert.ok(first.resetsAtMs >= begun + 240 && first.resetsAtMs <= Date.now() + 251);
    await sleep(100);
    const second = await counters().increment('window', 60_000);
    assert.ok(Math.abs(second.resetsAtMs - first.resetsAtMs) < 20, 'the end stays');
    await sleep(200);
    assert.equal((await counters().read('window')).count, 0);
    assert.equal((await counters().increment('window', 250)).count, 1);
  });

  it('200 increments at once over two handles count 200', async () => {
    const handles = [counters(), subject().another().counters];
    const results = await Promise.all(
      Array.from({ length: 200 }, (_, index) => handles[index % 2]?.increment('many', 60_000)),
    );
    assert.equal((await counters().read('many')).count, 200);
    assert.equal(new Set(results.map((result) => result?.count)).size, 200, 'every count is given once');
  });

  it('reset ends the window', async () => {
    await counters().increment('reset', 60_000, 5);
    await counters().reset('reset');
    assert.equal((await counters().read('reset')).count, 0);
    const { count, resetsAtMs } = await counters().increment('reset', 1_000);
    assert.equal(count, 1);
    assert.ok(resetsAtMs <= Date.now() + 1_001);
    await counters().reset('never');
  });

  it('steps and windows that are none are refused', async () => {
    await assert.rejects(counters().increment('bad', 0), RangeError);
    await assert.rejects(counters().increment('bad', 1_000, 0.5), RangeError);
    assert.equal((await counters().read('bad')).count, 0);
  });
}
