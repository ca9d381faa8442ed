import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthorize } from '../../src/authorize/authorize.ts';
import { GatewayError } from '../../src/errors.ts';
import type { Answered, Arrived } from '../../src/exchange.ts';
import type { ByteSource } from '../../src/lib/byte-source.ts';
import type { Responder } from '../../src/listen/responder.ts';
import { type Rooms, serve } from '../../src/pipeline.ts';
import { OpenStreams } from '../../src/streams/open-streams.ts';
import { arrivedWith } from './authenticate/support.ts';
import { routeConfig } from './route/route-config.ts';

type Outcome = Answered | Promise<Answered>;

interface Served {
  readonly statuses: number[];
  readonly cut: string[];
  readonly arrived: Arrived;
  recorded: number;
}

/** Serves one request whose upstream gives `forward`; the first `unanswerable` answers cannot be put on the wire. */
async function serveOnce(forward: () => Outcome, unanswerable = 0): Promise<Served> {
  const route = { id: 'r', config: routeConfig({ public: true }) };
  const arrived = arrivedWith({});
  const served: Served = { statuses: [], cut: [], arrived, recorded: 0 };
  const rooms: Rooms = {
    route: (card) => ({ arrived: card, route }),
    authenticate: (routed) => ({ ...routed, identity: null }),
    authorize: makeAuthorize([route], Date.now, () => false),
    forward,
  };
  let left = unanswerable;
  const responder: Responder = {
    bytesIn: 0,
    bytesOut: 0,
    answer(answered, done) {
      if (left-- > 0) throw new TypeError('not a header');
      served.statuses.push(answered.status);
      done({ status: answered.status, bytesOut: 0, aborted: false });
    },
    cut: (reason) => served.cut.push(reason),
  };
  serve(rooms, arrived, responder, { streams: streamsOf(rooms), onServed: () => served.recorded++ });
  await new Promise((resolve) => setImmediate(resolve));
  return served;
}

function streamsOf(rooms: Rooms): OpenStreams {
  return new OpenStreams({
    clock: Date.now,
    review: async (arrived) => rooms.authorize(await rooms.authenticate(rooms.route(arrived))),
    tagsOf: () => [],
    endedTag: () => undefined,
    sessions: { isLive: async () => true, touch: () => {} },
    onCut: () => {},
  });
}

function streaming(): { readonly answer: Answered; readonly cancelled: () => boolean } {
  let cancelled = false;
  const body: ByteSource = {
    start: () => {},
    resume: () => {},
    cancel: () => {
      cancelled = true;
    },
  };
  return { answer: { status: 200, headers: [], body }, cancelled: () => cancelled };
}

test('an answer reaches the client as the upstream gave it, and is recorded once', async () => {
  for (const forward of [
    () => ({ status: 204, headers: [], body: null }),
    async () => ({ status: 204, headers: [], body: null }),
  ]) {
    const { statuses, recorded, cut } = await serveOnce(forward);
    assert.deepEqual([statuses, recorded, cut], [[204], 1, []]);
  }
});

test('a failure becomes its answer, whether thrown or rejected, and is noted', async () => {
  const failure = new GatewayError('SP_FORWARD_TIMEOUT', { reason: 'first-byte' });
  const thrown = (): never => {
    throw failure;
  };
  for (const forward of [thrown, () => Promise.reject(failure)]) {
    const { statuses, recorded, arrived } = await serveOnce(forward);
    assert.deepEqual([statuses, recorded], [[504], 1]);
    assert.deepEqual([arrived.record.code, arrived.record.reason], ['SP_FORWARD_TIMEOUT', 'first-byte']);
  }
});

test('what nobody foresaw is 500 and keeps its message', async () => {
  const { statuses, arrived } = await serveOnce(() => Promise.reject(new Error('secret')));
  assert.deepEqual([statuses, arrived.record.code], [[500], 'SP_INTERNAL']);
});

test('an answer that cannot be put on the wire lets its upstream go, and becomes a failure', async () => {
  for (const late of [false, true]) {
    const { answer, cancelled } = streaming();
    const { statuses, recorded, cut } = await serveOnce(() => (late ? Promise.resolve(answer) : answer), 1);
    assert.deepEqual([statuses, recorded, cut, cancelled()], [[500], 1, [], true]);
  }
});

test('where not even the failure can be told, the exchange is cut, once, and nothing is thrown', async () => {
  const { answer, cancelled } = streaming();
  const { statuses, cut } = await serveOnce(() => Promise.resolve(answer), 2);
  assert.deepEqual([statuses, cut, cancelled()], [[], ['unanswerable'], true]);
});
