import assert from 'node:assert/strict';
import { test } from 'node:test';
import { underLease } from '../../../src/certificates/under-lease.ts';
import type { Leases } from '../../../src/state/store.ts';
import { openTestStore } from './acme/store.ts';

test('while one works another is turned away, and may work when the first is done or failed', async (t) => {
  const { leases } = openTestStore(t);
  const end = Promise.withResolvers<string>();
  const first = underLease(leases, { name: 'a' }, () => end.promise);
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(await underLease(leases, { name: 'a' }, async () => 'never'), undefined);
  assert.deepEqual(await underLease(leases, { name: 'b' }, async () => 'b'), { result: 'b' });
  end.resolve('done');
  assert.deepEqual(await first, { result: 'done' });
  const failing = underLease(leases, { name: 'a' }, () => Promise.reject(new Error('fails')));
  await assert.rejects(failing, /fails/);
  assert.deepEqual(await underLease(leases, { name: 'a' }, async () => 'again'), { result: 'again' });
});

test('who works under the lease can ask whether it still holds, and nobody else gets it meanwhile', async (t) => {
  const { leases } = openTestStore(t);
  const held = await underLease(leases, { name: 'a' }, async (_signal, holds) => {
    const before = await holds();
    const other = await leases.acquire('a', 'other', 1_000);
    return [before, other === undefined];
  });
  assert.deepEqual(held, { result: [true, true] });
});

test('a lease that is held longer than its life is renewed, and one that was lost stops the work', async (t) => {
  const { leases } = openTestStore(t);
  const wish = { name: 'a', ttlMs: 200 };
  const kept = await underLease(leases, wish, async (signal) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    return signal.aborted || (await leases.acquire('a', 'other', 1_000)) !== undefined;
  });
  assert.deepEqual(kept, { result: false });
  let ends = 0;
  const losing: Leases = {
    acquire: (...args) => leases.acquire(...args),
    release: (lease) => leases.release(lease),
    renew: async () => false,
  };
  const lost = await underLease(losing, wish, async (signal) => {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    ends++;
    return signal.aborted;
  });
  assert.deepEqual([lost, ends], [{ result: true }, 1]);
});
