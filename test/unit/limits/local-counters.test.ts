import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LocalCounters } from '../../../src/limits/local-counters.ts';

test('a window starts with its first increment and ends by the clock', async () => {
  let nowMs = 1_000;
  const counters = new LocalCounters(() => nowMs);
  assert.deepEqual(await counters.increment('a', 100), { count: 1, resetsAtMs: 1_100 });
  nowMs = 1_099;
  assert.deepEqual(await counters.increment('a', 100, 2), { count: 3, resetsAtMs: 1_100 });
  nowMs = 1_100;
  assert.equal((await counters.read('a')).count, 0);
  assert.deepEqual(await counters.increment('a', 100), { count: 1, resetsAtMs: 1_200 });
  await counters.reset('a');
  assert.equal((await counters.read('a')).count, 0);
});

test('when it is full, what was not counted for longest is forgotten', async () => {
  const counters = new LocalCounters(() => 0, 100);
  for (let index = 0; index < 1_000; index += 1) {
    await counters.increment('attacked', 1_000);
    await counters.increment(`u${index}`, 1_000);
  }
  assert.equal((await counters.read('attacked')).count, 1_000);
  assert.equal((await counters.read('u0')).count, 0);
  assert.equal((await counters.read('u999')).count, 1);
});
