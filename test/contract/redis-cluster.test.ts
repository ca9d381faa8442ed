import { after, before } from 'node:test';
import type { RedisServer } from '../support/redis.ts';
import { startRedisCluster } from '../support/redis-variants.ts';
import { makeRedisState } from './state-at.ts';
import { runStoreContract } from './store-contract.ts';

let server: RedisServer;
before(async () => {
  server = await startRedisCluster();
});
after(() => server.stop());

runStoreContract('a Redis Cluster', () =>
  makeRedisState(`redis+cluster://127.0.0.1:${server.port}`, server.command),
);
