import assert from 'node:assert/strict';
import { it, type TestContext } from 'node:test';
import { systemClock } from '../../../src/lib/clock.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { openRedisStore } from '../../../src/state/redis.ts';
import type { Store } from '../../../src/state/store.ts';
import { bytes, code, until } from '../../contract/rule-words.ts';
import { type RedisServer, startRedis } from '../../support/redis.ts';

function open(t: TestContext, url: string): { store: Store; said: string[] } {
  const said: string[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void said.push(`${level} ${message} ${JSON.stringify(fields)}`);
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const store = openRedisStore({ url: new Secret(url), clock: systemClock, logger });
  t.after(() => store.close());
  return { store, said };
}

async function start(t: TestContext, ...args: readonly string[]): Promise<RedisServer> {
  const server = await startRedis({ args: () => args });
  t.after(() => server.stop());
  return server;
}

it('a wrong password, a missing one and an unknown user are told apart from a Redis that is away', async (t) => {
  const server = await start(t, '--requirepass', 'right-canary');
  const missing = open(t, server.url);
  const wrong = open(t, `redis://:wrong-canary@127.0.0.1:${server.port}`);
  const unknown = open(t, `redis://nobody:right-canary@127.0.0.1:${server.port}`);
  const right = open(t, `redis://:right-canary@127.0.0.1:${server.port}`);
  for (const [{ store, said }, detail] of [
    [missing, /wants a password/],
    [wrong, /does not accept the user name or password/],
    [unknown, /does not accept the user name or password/],
  ] as const) {
    await assert.rejects(store.records.get('x'), code('SP_STATE_UNREACHABLE'));
    await until(() => said.some((line) => detail.test(line)), 1000, String(detail));
    assert.equal(store.health().up, false);
    assert.ok(!said.join().includes('canary'));
  }
  assert.ok(await right.store.records.put('x', bytes('x')));
});

it('what is wrong with the URL is said by every call: no such database, no Cluster, no such master', async (t) => {
  const server = await start(t);
  const here = `127.0.0.1:${server.port}`;
  for (const [url, detail] of [
    [`redis://${here}/99`, /no database of the number/],
    [`redis+cluster://${here}`, /is no Cluster/],
    [`redis+sentinel://${here}/house`, /no Sentinel names a master/],
  ] as const) {
    const { store } = open(t, url);
    await assert.rejects(store.records.get('x'), code('SP_STATE_UNREACHABLE'));
    await new Promise((resolve) => setTimeout(resolve, 700));
    await assert.rejects(
      store.records.put('x', bytes('x')),
      (thrown) => code('SP_STATE_UNREACHABLE')(thrown) && detail.test(String(thrown)),
      url,
    );
    assert.equal(store.health().up, false);
  }
  assert.equal(await server.command('DBSIZE'), '0', 'nothing was written elsewhere');
});

it('a Redis that may forget is warned of once', async (t) => {
  const server = await start(t, '--maxmemory', '50mb', '--maxmemory-policy', 'allkeys-lru');
  const { store, said } = open(t, server.url);
  await store.records.get('x');
  await until(() => said.some((line) => line.startsWith('warn')), 1000, 'the warning');
  assert.match(said.find((line) => line.startsWith('warn')) ?? '', /allkeys-lru.*"persistent":false/);
  assert.equal(said.filter((line) => line.startsWith('warn')).length, 1);
});

it('a Redis that keeps everything is not warned of', async (t) => {
  const server = await startRedis({ persistent: true });
  t.after(() => server.stop());
  const { store, said } = open(t, server.url);
  for (let index = 0; index < 10; index += 1) await store.records.get('x');
  assert.deepEqual(
    said.filter((line) => line.startsWith('warn')),
    [],
  );
});

it('a Redis without room says so, answers reads, and takes writes again when there is room', async (t) => {
  const server = await start(t, '--maxmemory', '1', '--maxmemory-policy', 'noeviction');
  const { store, said } = open(t, server.url);
  await assert.rejects(store.records.put('key-canary', bytes('value-canary')), code('SP_STATE_FULL'));
  assert.equal(await store.records.get('key-canary'), undefined);
  assert.equal(store.health().up, true);
  await server.command('CONFIG', 'SET', 'maxmemory', '0');
  assert.ok(await store.records.put('key-canary', bytes('value-canary')));
  assert.ok(!said.join().includes('canary'));
});

it('errors of Redis carry neither the command nor its arguments', async (t) => {
  const server = await start(t);
  const { store } = open(t, server.url);
  await server.command('SET', '{sallyport}:record:key-canary', 'of another kind');
  const thrown = await store.records.put('key-canary', bytes('value-canary')).then(
    () => undefined,
    (error: unknown) => error,
  );
  assert.ok(thrown instanceof Error && thrown.cause === undefined);
  assert.doesNotMatch(`${thrown.stack} ${JSON.stringify(thrown)}`, /canary/);
  assert.equal(store.health().up, true);
});

it('members that expired records leave in an index are removed by later puts, though nobody lists', async (t) => {
  const server = await start(t);
  const { store } = open(t, server.url);
  await store.records.put('stays', bytes('x'), { indexes: ['user'] });
  for (let index = 0; index < 50; index += 1) {
    await store.records.put(`gone ${index}`, bytes('x'), { ttlMs: 1, indexes: ['user'] });
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
  for (let index = 0; index < 200; index += 1)
    await store.records.put('stays', bytes('x'), { indexes: ['user'] });
  assert.ok(Number(await server.command('ZCARD', '{sallyport}:index:user')) < 5);
});

it('an index whose records all expire goes with the last of them', async (t) => {
  const server = await start(t);
  const { store } = open(t, server.url);
  await store.records.put('a', bytes('x'), { ttlMs: 60, indexes: ['user'] });
  await store.records.put('b', bytes('x'), { ttlMs: 20, indexes: ['user'] });
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(await server.command('DBSIZE'), '0');
});
