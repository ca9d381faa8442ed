import assert from 'node:assert/strict';
import { test } from 'node:test';
import { underLease } from '../../../../src/certificates/acme/under-lease.ts';
import { openTestStore } from './store.ts';

const idle = new AbortController().signal;

test('while one works another is turned away, and may work when the first is done or failed', async (t) => {
  const { leases } = openTestStore(t);
  const end = Promise.withResolvers<string>();
  const first = underLease(leases, 'a', idle, () => end.promise);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await underLease(leases, 'a', idle, async () => 'never'), undefined);
  assert.deepEqual(await underLease(leases, 'b', idle, async () => 'b'), { result: 'b' });
  end.resolve('done');
  assert.deepEqual(await first, { result: 'done' });
  const failing = underLease(leases, 'a', idle, () => Promise.reject(new Error('fails')));
  await assert.rejects(failing, /fails/);
  assert.deepEqual(await underLease(leases, 'a', idle, async () => 'again'), { result: 'again' });
});

test('who works under the lease can ask whether it still holds, and nobody else gets it meanwhile', async (t) => {
  const { leases } = openTestStore(t);
  const held = await underLease(leases, 'a', idle, async (_signal, holds) => {
    const before = await holds();
    const other = await leases.acquire('a', 'other', 1_000);
    return [before, other === undefined];
  });
  assert.deepEqual(held, { result: [true, true] });
});
