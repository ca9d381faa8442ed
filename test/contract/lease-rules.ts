import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Leases } from '../../src/state/store.ts';
import type { ContractSubject } from './store-contract.ts';

/** What the contract says of leases. */
export function leaseRules(subject: () => ContractSubject): void {
  const leases = (): Leases => subject().store.leases;

  it('a lease is had by one holder at a time', async () => {
    const lease = await leases().acquire('one', 'a', 10_000);
    assert.deepEqual({ ...lease, fence: 0 }, { name: 'one', holder: 'a', fence: 0 });
    assert.equal(await leases().acquire('one', 'b', 10_000), undefined);
    assert.ok(await leases().acquire('other', 'b', 10_000), 'another name is another lease');
  });

  it('of 50 who ask at once over two handles exactly one gets it', async () => {
    const handles = [leases(), subject().another().leases];
    const asked = Array.from({ length: 50 }, (_, index) =>
      handles[index % 2]?.acquire('rush', `h${index}`, 10_000),
    );
    assert.equal((await Promise.all(asked)).filter((lease) => lease !== undefined).length, 1);
  });

  it('the fence is greater with every acquisition, after release and after expiry', async () => {
    const fences: number[] = [];
    for (const round of [0, 1, 2, 3]) {
      const lease = await leases().acquire('fenced', `h${round}`, 30);
      assert.ok(lease);
      fences.push(lease.fence);
      if (round % 2 === 0) await leases().release(lease);
      else await sleep(60);
    }
    assert.deepEqual(
      fences,
      [...new Set(fences)].sort((a, b) => a - b),
    );
    assert.ok(fences.every((fence) => Number.isSafeInteger(fence) && fence > 0));
  });

  it('a lease ends by itself', async () => {
    await leases().acquire('short', 'a', 40);
    await sleep(80);
    assert.ok(await leases().acquire('short', 'b', 10_000));
  });

  it('renewing keeps a lease, and says when it was lost', async () => {
    const lease = await leases().acquire('renewed', 'a', 300);
    assert.ok(lease);
    await sleep(100);
    assert.equal(await leases().renew(lease, 900), true);
    await sleep(300);
    assert.equal(await leases().acquire('renewed', 'b', 10_000), undefined);
    await sleep(800);
    assert.equal(await leases().renew(lease, 10_000), false, 'it ended');
    assert.ok(await leases().acquire('renewed', 'b', 10_000));
    assert.equal(await leases().renew(lease, 10_000), false, 'somebody else has it');
  });

  it('releasing a lost lease does not take it from who has it now', async () => {
    const lost = await leases().acquire('lost', 'a', 30);
    assert.ok(lost);
    await sleep(60);
    assert.ok(await leases().acquire('lost', 'b', 10_000));
    await leases().release(lost);
    assert.equal(await leases().acquire('lost', 'c', 10_000), undefined);
  });

  it('a holder that asks again gets a new lease, and the earlier one is lost', async () => {
    const first = await leases().acquire('again', 'a', 10_000);
    const second = await leases().acquire('again', 'a', 10_000);
    assert.ok(first && second && second.fence > first.fence);
    assert.equal(await leases().renew(first, 10_000), false);
    assert.equal(await leases().renew(second, 10_000), true);
  });
}
