import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openEveryKind, openWebSocket, pause, type StreamDoor } from '../support/open-streams.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';
import { type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';

const KEY = Buffer.alloc(32, 7).toString('base64');

let redis: RedisServer;
let upstream: StreamUpstream;
let first: TestGateway;
let second: TestGateway;

before(async () => {
  [redis, upstream] = await Promise.all([startRedis({ persistent: true }), startStreamUpstream()]);
  const options = {
    yaml: `authenticate: { basic: { realm: Test } }
routes: [{ host: localhost, upstream: "${upstream.url}", allow: authenticated }]
`,
    state: `{ url: "${redis.url}", key: { env: STATE_KEY } }`,
    env: { STATE_KEY: KEY },
  };
  first = await startTestGateway(options);
  second = await startTestGateway(options);
});

after(async () => {
  await first.close();
  await second.close();
  await redis.stop();
  await upstream.close();
});

async function doorOf(house: TestGateway, subject: string): Promise<{ door: StreamDoor; session: string }> {
  const { body } = await first.call('POST', '/v1/tokens', { subject, ttlSec: 600 });
  const token = Object(body);
  return { door: { ...house, authorization: `Bearer ${token.access_token}` }, session: token.session_id };
}

test('a session revoked at one process loses its streams at the other', async () => {
  const { door, session } = await doorOf(second, 'ann');
  const streams = await openEveryKind(door);
  const startedAt = performance.now();
  assert.equal((await first.call('DELETE', `/v1/sessions/${session}`)).status, 204);
  await Promise.all(streams.map((stream) => stream.ended()));
  assert.ok(performance.now() - startedAt < 1_000);
  for (const stream of streams) stream.close();
});

test('streams stay open while the state is away, and go on when it is back', async () => {
  const { door } = await doorOf(second, 'ben');
  const streams = await openEveryKind(door);
  await redis.kill();
  await pause(1_500);
  for (const stream of streams) assert.equal(stream.ending(), undefined, stream.kind);
  await redis.restart();
  await pause(1_500);
  for (const stream of streams) {
    assert.equal(stream.ending(), undefined, stream.kind);
    stream.close();
  }
});

test('a session that ended while the state was away, its notice lost, is found out when the state is back', async () => {
  const { door, session } = await doorOf(second, 'cid');
  const kept = await doorOf(second, 'dan');
  const [ended, stays] = await Promise.all([openWebSocket(door), openWebSocket(kept.door)]);
  await redis.kill();
  await redis.restart();
  // The log is lost with everything that nobody heard of.
  for (const key of JSON.parse(await redis.command('KEYS', '*'))) {
    const isLog = (await redis.command('TYPE', key)) === 'stream';
    if (isLog || key.includes(session)) await redis.command('DEL', key);
  }
  // Who was connected again before that has to connect once more.
  await redis.kill();
  await redis.restart();
  assert.match(await ended.ended(5_000), /^4401 /);
  assert.equal(stays.ending(), undefined);
  stays.close();
});
