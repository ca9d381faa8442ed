import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthenticate } from '../../../src/authenticate/authenticate.ts';
import { type Method, rejected, type Verdict } from '../../../src/authenticate/method.ts';
import { VerifiedCache } from '../../../src/authenticate/verified-cache.ts';
import { GatewayError } from '../../../src/errors.ts';
import type { MethodName } from '../../../src/exchange.ts';
import { type Asked, failureOf, type RouteSettings, routedWith } from './support.ts';

const known = (user: string, method: MethodName): Verdict => ({
  kind: 'verified',
  identity: {
    user,
    method,
    groups: [],
    email: undefined,
    claims: {},
    sessionId: undefined,
    expiresAtSec: undefined,
  },
  ties: {
    expiresAtSec: undefined,
    needsState: true,
    account: user,
    sessionId: undefined,
    jti: undefined,
    subject: undefined,
    issuedAtSec: undefined,
  },
});

/** A house with two methods; what a method says of a credential is the test's own. */
function setUp(judge: (credential: string) => Verdict | Promise<Verdict>) {
  const world = { nowMs: 1_000_000, up: true, inspected: [] as string[] };
  const cache = new VerifiedCache({
    entries: 100,
    cacheMs: 60_000,
    graceMs: 300_000,
    clock: () => world.nowMs,
    isStateUp: () => world.up,
    isRevoked: () => false,
  });
  const method = (name: MethodName, scheme: string | undefined, field: string): Method => {
    const credential: Method['credential'] = ({ request }) => {
      if (scheme === undefined) return request.headers[request.headers.indexOf(field) + 1];
      return request.authorization?.toLowerCase().startsWith(`${scheme} `)
        ? request.authorization
        : undefined;
    };
    return {
      name,
      scheme,
      credential: (arrived) => (arrived.request.headers.includes(field) ? credential(arrived) : undefined),
      inspect: (arrived) => {
        const text = credential(arrived) ?? '';
        world.inspected.push(`${name} ${text}`);
        return judge(text);
      },
      challenge: (verdict) => (scheme === undefined ? undefined : `${name} ${verdict.kind}`),
    };
  };
  const methods = [
    method('token', 'bearer', 'authorization'),
    method('basic', 'basic', 'authorization'),
    method('session', undefined, 'cookie'),
  ];
  const authenticate = makeAuthenticate(methods, cache, { now: () => performance.now() });
  const ask = (asked: Asked, settings?: RouteSettings) => authenticate(routedWith(asked, settings));
  return { world, cache, ask };
}

const challengesOf = (error: GatewayError) => error.headers.filter((_, index) => index % 2 === 1);

test('a credential that was verified before gives a value and not a promise', async () => {
  const { world, ask } = setUp(() => known('ann', 'token'));
  const first = ask({ authorization: 'Bearer t' });
  assert.ok(first instanceof Promise);
  assert.equal((await first).identity?.user, 'ann');
  const second = ask({ authorization: 'Bearer t' });
  assert.ok(!(second instanceof Promise));
  assert.equal(second.identity?.user, 'ann');
  assert.deepEqual([second.arrived.record.user, second.arrived.record.method], ['ann', 'token']);
  assert.equal(typeof second.arrived.record.authenticateMs, 'number');
  assert.equal(world.inspected.length, 1);
});

test('without a credential all accepted methods challenge', async () => {
  const { ask } = setUp(() => known('ann', 'token'));
  const error = await failureOf(() => ask({}));
  assert.deepEqual(
    [error.code, error.status, error.reason],
    ['SP_AUTHENTICATE_REQUIRED', 401, 'credential-absent'],
  );
  assert.deepEqual(challengesOf(error), ['token absent', 'basic absent']);
});

test('a bad credential never falls through to a weaker method', async () => {
  const { world, ask } = setUp((text) =>
    text.startsWith('Bearer') ? rejected('token-expired') : known('ann', 'session'),
  );
  const asked = { authorization: 'Bearer bad', headers: ['authorization', 'Bearer bad', 'cookie', 'good'] };
  const error = await failureOf(() => ask(asked, { accept: ['token', 'session'] }));
  assert.deepEqual([error.code, error.reason], ['SP_AUTHENTICATE_REJECTED', 'token-expired']);
  assert.deepEqual(challengesOf(error), ['token rejected']);
  assert.deepEqual(world.inspected, ['token Bearer bad']);
});

test('methods are asked in the order in which the route writes them', async () => {
  const { ask } = setUp((text) => known('ann', text === 'c' ? 'session' : 'token'));
  const asked = { authorization: 'Bearer t', headers: ['authorization', 'Bearer t', 'cookie', 'c'] };
  assert.equal((await ask(asked, { accept: ['session', 'token'] })).identity?.method, 'session');
  assert.equal((await ask(asked, { accept: ['token', 'session'] })).identity?.method, 'token');
});

test('a scheme that no accepted method takes is refused, also beside a good credential', async () => {
  const { ask } = setUp(() => known('ann', 'session'));
  const asked = { authorization: 'Basic YTpi', headers: ['authorization', 'Basic YTpi', 'cookie', 'c'] };
  for (const accept of [['token'], ['session', 'token']] satisfies MethodName[][]) {
    const error = await failureOf(() => ask(asked, { accept }));
    assert.deepEqual([error.code, error.reason], ['SP_AUTHENTICATE_REJECTED', 'scheme-not-accepted']);
    assert.deepEqual(challengesOf(error), ['token absent']);
  }
});

test('Authorization is left to the upstream when no method of the route reads it', async () => {
  const { ask } = setUp(() => known('ann', 'session'));
  const asked = { authorization: 'Basic YTpi', headers: ['authorization', 'Basic YTpi', 'cookie', 'c'] };
  assert.equal((await ask(asked, { accept: ['session'] })).identity?.user, 'ann');
});

test('two Authorization fields are ambiguous, also when the first was verified before', async () => {
  const { ask } = setUp(() => known('ann', 'token'));
  await ask({ authorization: 'Bearer t' });
  const asked = {
    authorization: 'Bearer t',
    headers: ['authorization', 'Bearer t', 'authorization', 'Bearer u'],
  };
  const error = await failureOf(() => ask(asked));
  assert.deepEqual(
    [error.code, error.status, error.reason],
    ['SP_AUTHENTICATE_AMBIGUOUS', 400, 'credential-twice'],
  );
});

test('a public route without accept looks at no credential', () => {
  const { world, ask } = setUp(() => rejected('token-expired'));
  const answer = ask({ authorization: 'Bearer t' }, { public: true, accept: [] });
  assert.ok(!(answer instanceof Promise));
  assert.equal(answer.identity, null);
  assert.deepEqual(world.inspected, []);
});

test('a public route with accept goes on without a credential and refuses a bad one', async () => {
  const { ask } = setUp(() => rejected('token-expired'));
  assert.equal((await ask({}, { public: true })).identity, null);
  const error = await failureOf(() => ask({ authorization: 'Bearer t' }, { public: true }));
  assert.equal(error.reason, 'token-expired');
});

test('what a method verified does not count on a route that accepts only others', async () => {
  const { ask } = setUp(() => known('ann', 'token'));
  await ask({ authorization: 'Bearer t' });
  const error = await failureOf(() => ask({ authorization: 'Bearer t' }, { accept: ['basic'] }));
  assert.equal(error.reason, 'scheme-not-accepted');
});

test('the same credential at once is verified once, and refusals are not remembered', async () => {
  const { world, ask } = setUp(async () => rejected('password-wrong'));
  const failures = await Promise.all(
    Array.from({ length: 10 }, () => failureOf(() => ask({ authorization: 'Basic x' }))),
  );
  assert.ok(failures.every((error) => error.reason === 'password-wrong'));
  assert.equal(world.inspected.length, 1);
  await failureOf(() => ask({ authorization: 'Basic x' }));
  assert.equal(world.inspected.length, 2);
});

test('nobody joins a verification that began before the latest ending, and its result is not kept', async () => {
  const first = Promise.withResolvers<Verdict>();
  let calls = 0;
  const { cache, ask, world } = setUp(() => (++calls === 1 ? first.promise : rejected('session-ended')));
  const early = ask({ authorization: 'Bearer t' });
  cache.forget({ kind: 'account-removed', name: 'ann' });
  const late = await failureOf(() => ask({ authorization: 'Bearer t' }));
  assert.equal(late.reason, 'session-ended');
  first.resolve(known('ann', 'token'));
  assert.equal((await early).identity?.user, 'ann');
  assert.equal((await failureOf(() => ask({ authorization: 'Bearer t' }))).reason, 'session-ended');
  assert.equal(world.inspected.length, 3);
});

test('a state that fails before it is known to be away is treated as away', async () => {
  let away = false;
  const { world, ask } = setUp(async () => {
    if (away) throw new GatewayError('SP_STATE_UNREACHABLE');
    return known('ann', 'token');
  });
  await ask({ authorization: 'Bearer t' });
  away = true;
  world.nowMs += 100_000;
  assert.equal((await ask({ authorization: 'Bearer t' })).identity?.user, 'ann');
  for (const [authorization, storeDown] of [
    ['Bearer t', 'closed'],
    ['Bearer new', 'open-to-known'],
  ] as const) {
    const error = await failureOf(() => ask({ authorization }, { storeDown }));
    assert.deepEqual(
      [error.code, error.status, error.reason],
      ['SP_AUTHENTICATE_UNAVAILABLE', 503, 'state-unreachable'],
    );
  }
  world.up = false;
  assert.equal((await ask({ authorization: 'Bearer t' })).identity?.user, 'ann');
  const error = await failureOf(() => ask({ authorization: 'Bearer t' }, { storeDown: 'closed' }));
  assert.equal(error.code, 'SP_AUTHENTICATE_UNAVAILABLE');
});

test('a credential that turns out wrong when verified anew is forgotten', async () => {
  let good = true;
  const { world, cache, ask } = setUp(() => (good ? known('ann', 'token') : rejected('session-ended')));
  await ask({ authorization: 'Bearer t' });
  good = false;
  world.nowMs += 60_000;
  await failureOf(() => ask({ authorization: 'Bearer t' }));
  assert.equal(cache.size, 0);
});

test('the reason of every refusal is written into the record', async () => {
  const { cache } = setUp(() => rejected('token-expired'));
  const method: Method = {
    name: 'token',
    scheme: 'bearer',
    credential: () => 't',
    inspect: () => rejected('token-expired'),
    challenge: () => undefined,
  };
  const routed = routedWith({ authorization: 'Bearer t' }, { accept: ['token'] });
  await failureOf(() => makeAuthenticate([method], cache, { now: () => 0 })(routed));
  assert.equal(routed.arrived.record.reason, 'token-expired');
});
