import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Store, StoreHealth } from '../../src/state/store.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { bytes, code, numbers, text, texts, until } from './rule-words.ts';
import { makeRedisState, openAt } from './state-at.ts';
import { runStoreContract } from './store-contract.ts';

let server: RedisServer;
before(async () => {
  server = await startRedis();
});
after(() => server.stop());

runStoreContract('one Redis', () => makeRedisState(server.url, server.command));

it('a list whose records have all expired is cleared in steps that are short', async () => {
  const store = openAt(`${server.url}?prefix=stale`);
  try {
    await store.records.put('z', bytes('the last one'), { indexes: ['many'] });
    const fill = "for i = 1, 9000 do redis.call('ZADD', KEYS[1], 0, 'gone' .. i) end";
    await server.command('EVAL', fill, '1', '{stale}:index:many');
    await server.command('CONFIG', 'RESETSTAT');
    const { records, next } = await store.records.list('many', { limit: 10 });
    assert.deepEqual([records.map(({ key }) => key), next], [['z'], undefined]);
    const calls = /cmdstat_evalsha:calls=(\d+)/.exec(await server.command('INFO', 'commandstats'));
    assert.ok(Number(calls?.[1]) >= 4, 'one script looks at two thousand members at most');
    assert.equal(await server.command('ZCARD', '{stale}:index:many'), '1');
  } finally {
    await store.close();
  }
});

describe('a Redis that goes away and comes back', () => {
  let redis: RedisServer;
  let store: Store;
  before(async () => {
    redis = await startRedis({ persistent: true });
    store = openAt(redis.url);
  });
  after(async () => {
    await store.close();
    await redis.stop();
  });

  it('while it is down every call is rejected in under half a second, and health says so', async () => {
    await store.records.put('before', bytes('kept'));
    const changes: StoreHealth[] = [];
    const unlisten = store.onHealth((health) => changes.push(health));
    await redis.kill();
    await until(() => !store.health().up, 500, 'down');
    await rejectsQuickly(store);
    await redis.restart();
    await until(() => store.health().up, 2000, 'up');
    unlisten();
    assert.deepEqual(
      changes.map(({ up }) => up),
      [false, true],
    );
    assert.equal(text((await store.records.get('before'))?.value), 'kept', 'nothing is lost');
  });

  it('calls that are under way when it dies are rejected at once', async () => {
    await store.records.put('x', bytes('x'));
    const calls = Array.from({ length: 50 }, (_, index) => store.records.put(`dying ${index}`, bytes('x')));
    const begun = performance.now();
    const [results] = await Promise.all([Promise.allSettled(calls), redis.kill()]);
    assert.ok(performance.now() - begun < 500);
    for (const result of results) {
      if (result.status === 'rejected') code('SP_STATE_UNREACHABLE')(result.reason);
    }
    await redis.restart();
    await until(() => store.health().up, 2000, 'up');
  });

  it('a follower goes on by itself: each event once, in order, with what another appended meanwhile', async () => {
    const heard: string[] = [];
    let gaps = 0;
    const stop = store.events.follow(
      await store.events.tail(),
      (events) => heard.push(...texts(events)),
      () => (gaps += 1),
    );
    for (const word of numbers(5)) await store.events.append(bytes(word));
    await until(() => heard.length === 5, 1000, 'the events before');
    await redis.kill();
    await redis.restart();
    // Its first call waits for its first connection, so that it is there before the follower is back.
    const other = openAt(redis.url);
    for (const word of numbers(5, 6)) await other.events.append(bytes(word));
    await other.close();
    await until(() => heard.length >= 10, 2000, 'the events after');
    await sleep(100);
    stop();
    assert.deepEqual([heard, gaps], [numbers(10), 0]);
  });

  it('one that stops answering without a word is down in under half a second, and up again when it answers', async () => {
    await store.records.get('x');
    redis.freeze();
    const begun = performance.now();
    await assert.rejects(store.records.get('x'), code('SP_STATE_UNREACHABLE'));
    assert.ok(performance.now() - begun < 500);
    assert.equal(store.health().up, false);
    redis.thaw();
    await until(() => store.health().up, 1500, 'up');
    assert.ok(await store.records.put('thawed', bytes('x')));
  });

  it('a store opened while it is down begins as down and comes up by itself', async (t) => {
    await redis.kill();
    const early = openAt(redis.url);
    t.after(() => early.close());
    assert.equal(early.health().up, false);
    const heard: string[] = [];
    const stop = early.events.follow(
      '0-0',
      (events) => heard.push(...texts(events)),
      () => {},
    );
    await rejectsQuickly(early);
    await redis.restart();
    await until(() => early.health().up, 2000, 'up');
    assert.equal(text((await early.records.get('before'))?.value), 'kept');
    await until(() => heard.length >= 10, 1000, 'the log');
    stop();
  });

  it('one that came back empty is a gap for its followers', async (t) => {
    const forgetful = await startRedis();
    t.after(() => forgetful.stop());
    const client = openAt(forgetful.url);
    t.after(() => client.close());
    let gaps = 0;
    const heard: string[] = [];
    await client.events.append(bytes('lost'));
    const stop = client.events.follow(
      await client.events.tail(),
      (events) => heard.push(...texts(events)),
      () => (gaps += 1),
    );
    await client.events.append(bytes('heard'));
    await until(() => heard.length === 1, 1000, 'the event');
    await forgetful.kill();
    await forgetful.restart();
    await until(() => client.health().up && gaps === 1, 2000, 'the gap');
    await client.events.append(bytes('new'));
    await until(() => heard.length === 2, 1000, 'the new event');
    stop();
    assert.deepEqual([heard, gaps], [['heard', 'new'], 1]);
  });
});

async function rejectsQuickly(store: Store): Promise<void> {
  const calls = [
    store.records.get('x'),
    store.records.put('x', bytes('x')),
    store.records.list('x'),
    store.counters.increment('x', 1000),
    store.leases.acquire('x', 'y', 1000),
    store.events.append(bytes('x')),
    store.events.tail(),
  ];
  const begun = performance.now();
  for (const call of calls) await assert.rejects(call, code('SP_STATE_UNREACHABLE'));
  assert.ok(performance.now() - begun < 500, 'in under half a second');
}
