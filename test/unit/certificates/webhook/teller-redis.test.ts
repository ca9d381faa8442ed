import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeRedisState } from '../../../contract/state-at.ts';
import { until } from '../../../support/cellar.ts';
import { startRedis } from '../../../support/redis.ts';
import { DAY_MS, MINUTE_MS, openTellerHouse, toldIds, view } from './teller-house.ts';

test('a fleet on one Redis tells each notice once, goes on for each other, and waits while it is away', async (t) => {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  const state = await makeRedisState(redis.url, redis.command);
  const house = await openTellerHouse(t);
  const stores = Array.from({ length: 5 }, () => state.open());
  t.after(() => Promise.all(stores.map((store) => store.close())));
  const fleet = stores.map((store) => house.process(store));
  const all = () => Promise.all(fleet.map((one) => one.look()));
  house.leave(6 * DAY_MS);
  house.receiver.answer = (res) => void res.writeHead(500).end();
  await all();
  assert.deepEqual(house.outcomes, ['failed']);
  house.receiver.answer = (res) => void res.writeHead(200).end();
  house.cellar.advance(MINUTE_MS);
  await all();
  await all();
  assert.deepEqual(house.outcomes, ['failed', 'delivered']);
  await redis.kill();
  house.certificates = [view({ fingerprint256: Array(32).fill('CD').join(':') })];
  await all();
  assert.equal(house.receiver.received.length, 2, 'without the state nobody knows who told what');
  await redis.restart();
  await until(async () => {
    await all();
    return house.receiver.received.length > 2;
  });
  await all();
  assert.equal(house.receiver.received.length, 3);
  assert.equal(new Set(toldIds(house)).size, 1);
});
