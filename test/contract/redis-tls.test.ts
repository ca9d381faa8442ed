import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { startTlsRedis } from '../support/redis-variants.ts';
import { code } from './rule-words.ts';
import { makeRedisState, openAt } from './state-at.ts';
import { runStoreContract } from './store-contract.ts';

let redis: Awaited<ReturnType<typeof startTlsRedis>>;
before(async () => {
  redis = await startTlsRedis();
});
after(() => redis.stop());

runStoreContract('Redis over TLS', () => makeRedisState(redis.url, redis.command));

it('a Redis whose certificate is not under a known CA is not spoken to, and the error says how to name one', async () => {
  const store = openAt(`rediss://localhost:${redis.server.port}`);
  await assert.rejects(store.records.get('x'), code('SP_STATE_UNREACHABLE'));
  assert.equal(store.health().up, false);
  await store.close();
});

it('a Redis whose certificate has another name is not spoken to', async () => {
  const store = openAt(redis.url.replace('localhost', '127.0.0.1'));
  await assert.rejects(store.records.get('x'), code('SP_STATE_UNREACHABLE'));
  await store.close();
});
