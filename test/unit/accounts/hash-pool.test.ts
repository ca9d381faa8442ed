import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { HashPool } from '../../../src/accounts/hash-pool.ts';

test('no more hashes run at a time than allowed, in the order of the calls', async () => {
  const pool = new HashPool({ concurrency: 2, waiting: 10 });
  const started: number[] = [];
  let running = 0;
  let most = 0;
  const task = (index: number) => async () => {
    started.push(index);
    running += 1;
    most = Math.max(most, running);
    await turn();
    running -= 1;
  };
  await Promise.all(Array.from({ length: 10 }, (_, index) => pool.run(task(index))));
  assert.equal(most, 2);
  assert.deepEqual(
    started,
    [...started].sort((a, b) => a - b),
  );
});

test('a full queue refuses at once, and the pool goes on afterwards', async () => {
  const pool = new HashPool({ concurrency: 1, waiting: 1 });
  const release = Promise.withResolvers<void>();
  const first = pool.run(() => release.promise);
  const second = pool.run(async () => 'second');
  await assert.rejects(
    pool.run(async () => 'third'),
    {
      code: 'SP_AUTHENTICATE_UNAVAILABLE',
      reason: 'hash-queue-full',
    },
  );
  release.resolve();
  await first;
  assert.equal(await second, 'second');
  assert.equal(await pool.run(async () => 'fourth'), 'fourth');
});

test('a task that fails gives its place back', async () => {
  const pool = new HashPool({ concurrency: 1, waiting: 0 });
  await assert.rejects(
    pool.run(async () => {
      throw new Error('broken');
    }),
    /broken/,
  );
  assert.equal(await pool.run(async () => 1), 1);
});
