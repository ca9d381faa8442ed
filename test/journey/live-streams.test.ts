import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import {
  type ClientStream,
  cutEndings,
  openEveryKind,
  openHttp1,
  openHttp2,
  openWebSocket,
  pause,
  type StreamDoor,
} from '../support/open-streams.ts';
import { type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';

let upstream: StreamUpstream;
let house: TestGateway;

before(async () => {
  upstream = await startStreamUpstream();
  house = await startTestGateway({
    yaml: `authenticate: { basic: { realm: Test } }
routes:
  - { host: localhost, upstream: "${upstream.url}", allow: authenticated }
  - { host: ops.localhost, upstream: "${upstream.url}", allow: { groups: [ops] } }
`,
  });
  for (const name of ['alice', 'bob', 'carol', 'dave']) {
    const put = await house.call('PUT', `/v1/users/${name}`, {
      password: `password of ${name}`,
      groups: ['ops'],
    });
    assert.equal(put.status, 200);
  }
});

after(async () => {
  await house.close();
  await upstream.close();
});

function asBasic(name: string, host?: string): StreamDoor {
  const credential = Buffer.from(`${name}:password of ${name}`).toString('base64');
  return { ...house, authorization: `Basic ${credential}`, ...(host !== undefined && { host }) };
}

async function asSession(subject: string, ttlSec = 600): Promise<{ door: StreamDoor; session: string }> {
  const { status, body } = await house.call('POST', '/v1/tokens', { subject, ttlSec });
  assert.equal(status, 200);
  const token = Object(body);
  return { door: { ...house, authorization: `Bearer ${token.access_token}` }, session: token.session_id };
}

const endingsOf = (streams: readonly ClientStream[]) => Promise.all(streams.map((stream) => stream.ended()));

function closeAll(streams: readonly ClientStream[]): void {
  for (const stream of streams) stream.close();
}

async function reasonsInLog(user: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const line of await house.log()) {
    if (line.user !== user || typeof line.reason !== 'string') continue;
    counts[line.reason] = (counts[line.reason] ?? 0) + 1;
  }
  return counts;
}

test('a session that the admin ends takes every kind of stream with it within a second', async () => {
  const { door, session } = await asSession('erin');
  const other = await asSession('frank');
  const streams = await openEveryKind(door);
  const kept = await openWebSocket(other.door);
  const startedAt = performance.now();
  assert.equal((await house.call('DELETE', `/v1/sessions/${session}`)).status, 204);
  assert.deepEqual(await endingsOf(streams), cutEndings('session-ended'));
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 1_000, `${Math.round(tookMs)} ms`);
  const before = kept.count();
  await pause(100);
  assert.equal(kept.ending(), undefined, 'the stream of somebody else goes on');
  assert.ok(kept.count() > before);
  assert.deepEqual(await reasonsInLog('erin'), { 'cut-session-ended': 6 });
  const again = await openHttp1(door, '/events').catch((error: unknown) => String(error));
  assert.match(String(again), /status 401/);
  closeAll([...streams, kept]);
});

test('a token that expires takes its streams with it', async () => {
  const { door } = await asSession('grace', 2);
  const startedAt = performance.now();
  const streams = await openEveryKind(door);
  assert.deepEqual(await endingsOf(streams), cutEndings('expired'));
  const tookMs = performance.now() - startedAt;
  assert.ok(tookMs < 3_500, `${Math.round(tookMs)} ms`);
  closeAll(streams);
});

test('a user who is removed loses every stream, by password and by token', async () => {
  const streams = await openEveryKind(asBasic('alice'));
  assert.equal((await house.call('DELETE', '/v1/users/alice')).status, 204);
  assert.deepEqual(await endingsOf(streams), cutEndings('account-removed'));
  closeAll(streams);
});

test('a lost group closes the streams that it opened, and only those', async () => {
  const ops = await openEveryKind(asBasic('bob', 'ops.localhost'));
  const open = await openEveryKind(asBasic('bob'));
  assert.equal((await house.call('PUT', '/v1/users/bob', { groups: ['staff'] })).status, 200);
  assert.deepEqual(await endingsOf(ops), cutEndings('not-allowed'));
  await pause(200);
  assert.deepEqual(new Set(open.map((stream) => stream.ending())), new Set([undefined]));
  closeAll([...ops, ...open]);
});

test('another password closes the streams of the old one', async () => {
  const streams = await openEveryKind(asBasic('carol'));
  const change = { password: 'another password of carol' };
  assert.equal((await house.call('PUT', '/v1/users/carol', change)).status, 200);
  assert.deepEqual(await endingsOf(streams), cutEndings('not-allowed'));
  closeAll(streams);
});

test('a subject whose tokens are revoked loses the streams of tokens issued before', async () => {
  const { door } = await asSession('heidi');
  const streams = await openEveryKind(door);
  const order = { subject: 'heidi', before: Math.floor(Date.now() / 1000) + 1 };
  assert.equal((await house.call('POST', '/v1/revocations', order)).status, 204);
  assert.deepEqual(await endingsOf(streams), cutEndings('subject-revoked'));
  closeAll(streams);
});

test('the admin sees the open streams and cuts one', async () => {
  const { door, session } = await asSession('ivan');
  const [socket, events] = await Promise.all([openWebSocket(door), openHttp2(door, '/events')]);
  const rows = Object(await house.call('GET', '/v1/streams')).body as Record<string, unknown>[];
  const mine = rows.filter((row) => row.user === 'ivan');
  assert.deepEqual(
    mine.map(({ kind, sessionId, route }) => ({ kind, sessionId, route })),
    [
      { kind: 'websocket', sessionId: session, route: 'localhost/' },
      { kind: 'sse', sessionId: session, route: 'localhost/' },
    ],
  );
  assert.ok(mine.every(({ bytes, sinceSec }) => Number(bytes) > 0 && Number(sinceSec) > 1_700_000_000));
  const metrics = await house.call('GET', '/metrics');
  assert.match(String(metrics.body), /sallyport_open_streams\{kind="websocket"\} [1-9]/);
  assert.equal((await house.call('DELETE', `/v1/streams/${mine[0]?.id}`)).status, 204);
  assert.equal(await socket.ended(), '4401 by-admin');
  assert.equal(events.ending(), undefined);
  assert.equal((await house.call('DELETE', `/v1/streams/${mine[0]?.id}`)).status, 404);
  assert.match(
    String((await house.call('GET', '/metrics')).body),
    /sallyport_streams_cut_total\{reason="by-admin"\} 1/,
  );
  closeAll([socket, events]);
});

test('what ends while the upstream still thinks keeps its answer from beginning', async () => {
  for (const path of ['/slow-400', '/wait-1300']) {
    const { door, session } = await asSession('judy');
    const answer = openHttp1(door, path).catch((error: unknown) => String(error));
    await pause(200);
    assert.equal((await house.call('DELETE', `/v1/sessions/${session}`)).status, 204);
    assert.match(String(await answer), /status 401/, path);
  }
});

test('what changes meanwhile and still allows it lets the answer begin', async () => {
  const opening = [openHttp1(asBasic('dave'), '/slow-400'), openHttp2(asBasic('dave'), '/slow-400')];
  await pause(200);
  assert.equal((await house.call('PUT', '/v1/users/dave', { groups: ['staff'] })).status, 200);
  const streams = await Promise.all(opening);
  await pause(100);
  assert.deepEqual(new Set(streams.map((stream) => stream.ending())), new Set([undefined]));
  closeAll(streams);
});

test('every stream that was cut is over at the upstream, too', async () => {
  for (let waited = 0; upstream.open() > 0 && waited < 2_000; waited += 20) await pause(20);
  assert.equal(upstream.open(), 0);
});
