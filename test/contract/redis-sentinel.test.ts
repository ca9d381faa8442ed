import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { startRedisSentinel } from '../support/redis-variants.ts';
import { bytes, text, texts, until } from './rule-words.ts';
import { makeRedisState, openAt } from './state-at.ts';
import { runStoreContract } from './store-contract.ts';

let redis: Awaited<ReturnType<typeof startRedisSentinel>>;
before(async () => {
  redis = await startRedisSentinel();
});
after(() => redis.stop());

runStoreContract('a master that a Sentinel names', () => makeRedisState(redis.url, redis.master.command));

it('after the master died the store goes on with the one that the Sentinel promotes', async (t) => {
  const store = openAt(redis.url);
  t.after(() => store.close());
  await store.records.put('before', bytes('kept'));
  const heard: string[] = [];
  const stop = store.events.follow(
    await store.events.tail(),
    (events) => heard.push(...texts(events)),
    () => {},
  );
  await store.events.append(bytes('one'));
  await until(() => heard.length === 1, 1000, 'the event before');
  await redis.replicated();
  await redis.master.kill();
  await until(() => !store.health().up, 1000, 'down');
  await until(() => store.health().up, 8000, 'up');
  assert.equal(text((await store.records.get('before'))?.value), 'kept');
  await store.events.append(bytes('two'));
  await until(() => heard.length >= 2, 1000, 'the event after');
  stop();
  assert.deepEqual(heard, ['one', 'two']);
});
