import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { StoreHealth } from '../../src/state/store.ts';
import { bytes, code, text, until } from './rule-words.ts';
import type { ContractSubject } from './store-contract.ts';

/** What the contract says of the store as a whole. */
export function storeRules(subject: () => ContractSubject): void {
  it('health is up once the state answered, and says since when', async () => {
    const { store } = subject();
    await store.records.get('x');
    await until(() => store.health().up, 1000, 'up');
    const { sinceMs } = store.health();
    assert.ok(sinceMs <= Date.now() && sinceMs > Date.now() - 60_000);
    const heard: StoreHealth[] = [];
    store.onHealth((health) => heard.push(health))();
    assert.deepEqual(heard, []);
  });

  it('what one handle wrote the others read at once', async () => {
    const other = subject().another();
    await subject().store.records.put('shared', bytes('x'), { indexes: ['shared list'] });
    assert.equal(text((await other.records.get('shared'))?.value), 'x');
    assert.equal((await other.records.list('shared list')).records.length, 1);
  });

  it('a closed store rejects every call as unreachable, and can be closed twice', async () => {
    const store = subject().another();
    await store.records.put('kept', bytes('x'));
    await Promise.all([store.close(), store.close()]);
    await store.close();
    const calls = [
      store.records.get('kept'),
      store.records.put('kept', bytes('y')),
      store.counters.increment('x', 1000),
      store.leases.acquire('x', 'y', 1000),
      store.events.append(bytes('x')),
      store.events.tail(),
    ];
    for (const call of calls) await assert.rejects(call, code('SP_STATE_UNREACHABLE'));
  });

  it('what was written outlives the store that wrote it', async () => {
    const first = subject().another();
    await first.records.put('durable', bytes('still here'));
    await first.close();
    assert.equal(text((await subject().another().records.get('durable'))?.value), 'still here');
  });

  it('no error shows a key, a value or a connection string', async () => {
    const store = subject().another();
    await store.close();
    const thrown = await store.records.put('key-canary', bytes('value-canary')).then(
      () => undefined,
      (error: unknown) => error,
    );
    const shown = `${String(thrown)} ${JSON.stringify(thrown)} ${thrown instanceof Error ? String(thrown.cause) : ''}`;
    assert.doesNotMatch(shown, /canary|redis:\/\//);
  });
}
