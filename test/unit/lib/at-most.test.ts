import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { atMost } from '../../../src/lib/at-most.ts';

test('no more than so many run at once, all run, and a failure gives its place free', async () => {
  const inTurn = atMost(2);
  let running = 0;
  let most = 0;
  const work = async (fail: boolean): Promise<void> => {
    most = Math.max(most, ++running);
    await sleep(5);
    running--;
    if (fail) throw new Error('fails');
  };
  const done = await Promise.allSettled([0, 1, 2, 3, 4, 5].map((i) => inTurn(() => work(i % 2 === 0))));
  assert.equal(most, 2);
  assert.equal(done.filter(({ status }) => status === 'fulfilled').length, 3);
});
