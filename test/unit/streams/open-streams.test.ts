import assert from 'node:assert/strict';
import { test } from 'node:test';
import { endedTag, tagsOf } from '../../../src/authenticate/tie-tags.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { Admitted, Answered, Arrived, Ties } from '../../../src/exchange.ts';
import { OpenStreams } from '../../../src/streams/open-streams.ts';

const NO_TIES: Ties = {
  expiresAtSec: undefined,
  needsState: true,
  account: undefined,
  sessionId: undefined,
  jti: undefined,
  subject: undefined,
  issuedAtSec: undefined,
};

const EVENTS: Answered = { status: 200, headers: ['content-type', 'text/event-stream'], body: null };
const DOWNLOAD: Answered = { status: 200, headers: ['content-type', 'text/plain'], body: null };

/** Open streams under a clock and a review that the test sets; every stream notes why it was cut. */
function makeWorld() {
  const world = {
    nowMs: 1_000_000,
    reviews: [] as string[],
    /** What the rooms would say now, by stream. */
    refusal: new Map<string, GatewayError>(),
    cuts: new Map<string, string>(),
    asked: [] as string[],
    touched: [] as string[],
    over: new Set<string>(),
    away: false,
    /** Bytes that the clients of all streams have sent. */
    bytesIn: 0,
  };
  const streams = new OpenStreams({
    clock: () => world.nowMs,
    tagsOf,
    endedTag,
    sessions: {
      isLive: async (id) => {
        world.asked.push(id);
        if (world.away) throw AWAY;
        return !world.over.has(id);
      },
      touch: (id) => world.touched.push(id),
    },
    onCut: () => {},
    review: async (arrived: Arrived) => {
      world.reviews.push(arrived.id);
      const refusal = world.refusal.get(arrived.id);
      if (refusal !== undefined) throw refusal;
      return admittedAs(arrived.id, {});
    },
  });
  const open = (id: string, ties: Partial<Ties> | undefined, answered = EVENTS, route = 'r') =>
    streams.enter(admittedAs(id, ties, route), answered, {
      bytesOut: 0,
      get bytesIn() {
        return world.bytesIn;
      },
      cut: (reason) => world.cuts.set(id, reason),
    });
  return { ...world, world, streams, open };
}

function admittedAs(id: string, ties: Partial<Ties> | undefined, route = 'r'): Admitted {
  const record = { reason: undefined };
  const card = {
    arrived: { id, record },
    route: { id: route, config: {} },
    identity: null,
    ties: ties && { ...NO_TIES, ...ties },
  };
  return card as unknown as Admitted;
}

const settled = () => new Promise((resolve) => setImmediate(resolve));
const DENIED = new GatewayError('SP_AUTHORIZE_DENIED');
const AWAY = new GatewayError('SP_AUTHENTICATE_UNAVAILABLE');

test('every ending cuts what hangs on it, by its own word, and nothing else', () => {
  const { streams, open, cuts } = makeWorld();
  open('session', { sessionId: 's1', account: 'ann' });
  open('password', { account: 'ann' });
  open('token', { jti: 'j1', subject: 'sub', issuedAtSec: 50 });
  open('younger', { jti: 'j2', subject: 'sub', issuedAtSec: 150 });
  open('key', { apiKeyId: 'k1', account: 'bob' });
  open('public', undefined);
  streams.hear({ kind: 'session-ended', id: 's2', user: 'ann' });
  assert.deepEqual([...cuts], []);
  streams.hear({ kind: 'session-ended', id: 's1', user: 'ann' });
  streams.hear({ kind: 'subject-revoked', subject: 'sub', beforeSec: 100 });
  streams.hear({ kind: 'api-key-ended', id: 'k1', user: 'bob' });
  streams.hear({ kind: 'account-removed', name: 'ann' });
  streams.hear({ kind: 'token-revoked', jti: 'j2', untilSec: 200 });
  assert.deepEqual(Object.fromEntries(cuts), {
    session: 'session-ended',
    token: 'subject-revoked',
    key: 'api-key-ended',
    password: 'account-removed',
    younger: 'token-revoked',
  });
});

test('a long body is found from its first byte on, although it is indexed only after a second', () => {
  const { streams, open, cuts, world } = makeWorld();
  open('young', { sessionId: 's1' }, DOWNLOAD);
  assert.equal(streams.list().length, 0);
  streams.hear({ kind: 'session-ended', id: 's1', user: 'ann' });
  assert.equal(cuts.get('young'), 'session-ended');
  open('old', { sessionId: 's2' }, DOWNLOAD);
  world.nowMs += 1_000;
  streams.tick();
  assert.deepEqual(
    streams.list().map(({ id }) => id),
    ['young', 'old'],
  );
});

test('a stream that is over leaves nothing behind', () => {
  const { streams, open, cuts, world } = makeWorld();
  const over = [
    open('a', { sessionId: 's1', expiresAtSec: 1_001 }),
    open('b', { sessionId: 's1' }, DOWNLOAD),
  ];
  for (const stream of over) streams.leave(stream);
  streams.leave(over[0] ?? assert.fail());
  world.nowMs += 10_000;
  streams.tick();
  streams.hear({ kind: 'session-ended', id: 's1', user: 'ann' });
  assert.equal(cuts.size, 0);
  assert.deepEqual(streams.counts(), { websocket: 0, sse: 0, body: 0 });
});

test('a changed account has its streams decided anew: a refusal cuts, consent keeps', async () => {
  const { streams, open, cuts, world } = makeWorld();
  open('kept', { account: 'ann' });
  open('lost', { account: 'ann' });
  open('other', { account: 'bob' });
  world.refusal.set('lost', DENIED);
  streams.hear({ kind: 'account-changed', name: 'ann' });
  await settled();
  assert.deepEqual(world.reviews, ['kept', 'lost']);
  assert.deepEqual([...cuts], [['lost', 'not-allowed']]);
});

test('while nobody can decide, a stream stays open and is asked for again every second', async () => {
  const { streams, open, cuts, world } = makeWorld();
  open('a', { sessionId: 's1' });
  world.refusal.set('a', AWAY);
  streams.doubtAll();
  await settled();
  assert.equal(cuts.size, 0);
  for (let i = 0; i < 10; i++) streams.tick();
  world.nowMs += 1_000;
  streams.tick();
  await settled();
  const asked = world.reviews.length;
  assert.ok(asked >= 2 && asked <= 3, `asked ${asked} times`);
  world.refusal.set('a', DENIED);
  world.nowMs += 1_000;
  streams.tick();
  await settled();
  assert.equal(cuts.get('a'), 'not-allowed');
});

test('a change during a review is not settled by its answer', async () => {
  const { streams, open, world, cuts } = makeWorld();
  open('a', { account: 'ann' });
  streams.hear({ kind: 'account-changed', name: 'ann' });
  world.refusal.set('a', DENIED);
  streams.hear({ kind: 'account-changed', name: 'ann' });
  await settled();
  await settled();
  assert.deepEqual(world.reviews, ['a', 'a']);
  assert.equal(cuts.get('a'), 'not-allowed');
});

test('a stream ends with its credential, not before and at most a second after', () => {
  const { streams, open, cuts, world } = makeWorld();
  open('a', { expiresAtSec: 1_002 });
  world.nowMs = 1_001_900;
  streams.tick();
  assert.equal(cuts.size, 0);
  world.nowMs = 1_002_000;
  streams.tick();
  assert.equal(cuts.get('a'), 'expired');
});

test('a session that ended for idleness is found, once for all its streams, and only when the state can say', async () => {
  const { streams, open, cuts, world } = makeWorld();
  for (const id of ['a', 'b', 'c']) open(id, { sessionId: 'idle' });
  open('d', { sessionId: 'live' });
  world.over.add('idle');
  world.away = true;
  streams.checkSessions();
  await settled();
  assert.equal(cuts.size, 0);
  world.away = false;
  world.asked.length = 0;
  streams.checkSessions();
  await settled();
  assert.deepEqual(world.asked, ['idle', 'live']);
  assert.deepEqual([...cuts.keys()], ['a', 'b', 'c']);
});

test('a session is used by whoever sends something over its WebSocket, not by an open stream alone', async () => {
  const { streams, open, world } = makeWorld();
  open('a', { sessionId: 's1' });
  streams.checkSessions();
  await settled();
  assert.deepEqual(world.touched, []);
  world.bytesIn = 10;
  streams.checkSessions();
  await settled();
  streams.checkSessions();
  await settled();
  assert.deepEqual(world.touched, ['s1']);
});

test('a reload cuts what is not shared, and doubting all spares what has no credential', async () => {
  const { streams, open, cuts, world } = makeWorld();
  open('kept', { account: 'ann' }, EVENTS, 'same');
  open('cut', { account: 'ann' }, EVENTS, 'changed');
  open('public', undefined, EVENTS, 'same');
  streams.reloaded(new Set(['same']));
  assert.deepEqual([...cuts], [['cut', 'route-changed']]);
  streams.doubtAll();
  await settled();
  assert.deepEqual(world.reviews.includes('public'), false);
});

test('the mark changes with everything that may change a decision, and with nothing else', () => {
  const { streams } = makeWorld();
  const mark = streams.mark();
  streams.tick();
  streams.hear({ kind: 'certificate-changed', name: 'site' });
  assert.equal(streams.mark(), mark);
  streams.hear({ kind: 'session-ended', id: 'x', user: 'y' });
  assert.notEqual(streams.mark(), mark);
});

test('ten thousand streams of ten thousand sessions are cut one session at a time in microseconds', () => {
  const { streams, open, cuts } = makeWorld();
  for (let i = 0; i < 10_000; i++) open(`x${i}`, { sessionId: `s${i}`, account: 'ann' });
  const startedAt = performance.now();
  for (let i = 0; i < 1_000; i++) streams.hear({ kind: 'session-ended', id: `s${i}`, user: 'ann' });
  const perEndingMs = (performance.now() - startedAt) / 1_000;
  assert.equal(cuts.size, 1_000);
  assert.ok(perEndingMs < 1, `${perEndingMs} ms`);
});
