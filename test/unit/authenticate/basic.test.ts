import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthenticate } from '../../../src/authenticate/authenticate.ts';
import { makeBasicMethod } from '../../../src/authenticate/basic.ts';
import { VerifiedCache } from '../../../src/authenticate/verified-cache.ts';
import { GatewayError } from '../../../src/errors.ts';
import { arrivedWith, failureOf, routedWith } from './support.ts';

const basic = (name: string, password: string) =>
  `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`;

/** One account, `ann` with password `right`; the third failure of a pair makes it wait. */
function setUp() {
  const world = {
    nowMs: 1_000_000,
    away: false,
    up: true,
    hashes: 0,
    running: 0,
    most: 0,
    failures: new Map<string, number>(),
  };
  const method = makeBasicMethod({
    realm: 'Internal',
    clock: () => world.nowMs,
    canonicalName: (raw) => (raw.trim() === '' ? undefined : raw.trim().toLowerCase()),
    accounts: {
      async verify(name, password) {
        if (world.away) throw new GatewayError('SP_STATE_UNREACHABLE');
        world.hashes++;
        world.most = Math.max(world.most, ++world.running);
        await new Promise((resolve) => setTimeout(resolve, 2));
        world.running--;
        return name === 'ann' && password === 'right'
          ? { name, groups: ['ops'], email: 'Ann@Example.com' }
          : undefined;
      },
    },
    failures: {
      check: async ({ user, address }) => ({
        waitMs: (world.failures.get(`${user} ${address}`) ?? 0) >= 3 ? 1500 : 0,
      }),
      failed: async ({ user, address }) => {
        world.failures.set(`${user} ${address}`, (world.failures.get(`${user} ${address}`) ?? 0) + 1);
      },
      succeeded: async () => ({ waitMs: 0 }),
    },
  });
  const cache = new VerifiedCache({
    entries: 100,
    cacheMs: 60_000,
    graceMs: 60_000,
    clock: () => world.nowMs,
    isStateUp: () => world.up,
    isRevoked: () => false,
  });
  const authenticate = makeAuthenticate([method], cache, { now: () => performance.now() });
  const ask = (authorization: string, address?: string) =>
    authenticate(
      routedWith({ authorization, ...(address === undefined ? {} : { address }) }, { accept: ['basic'] }),
    );
  return { world, method, ask };
}

test('a right password gives the identity of the account', async () => {
  const { ask } = setUp();
  const { identity } = await ask(basic('ANN ', 'right'));
  assert.deepEqual(
    [identity?.user, identity?.method, identity?.groups, identity?.email],
    ['ann', 'basic', ['ops'], 'ann@example.com'],
  );
});

test('the slow hash is paid once per credential, also when it comes many times at once', async () => {
  const { world, ask } = setUp();
  await Promise.all(Array.from({ length: 20 }, () => ask(basic('ann', 'right'))));
  assert.ok(!(ask(basic('ann', 'right')) instanceof Promise));
  assert.equal(world.hashes, 1);
});

test('a wrong password is refused with the challenge and is counted', async () => {
  const { world, ask } = setUp();
  const error = await failureOf(() => ask(basic('ann', 'wrong')));
  assert.deepEqual([error.code, error.reason], ['SP_AUTHENTICATE_REJECTED', 'password-wrong']);
  assert.deepEqual(error.headers, ['www-authenticate', 'Basic realm="Internal", charset="UTF-8"']);
  assert.equal(world.failures.get('ann 192.0.2.1'), 1);
});

test('too many failures wait, are told how long, and cost no hash', async () => {
  const { world, ask } = setUp();
  for (let n = 0; n < 3; n++) await failureOf(() => ask(basic('ann', `wrong${n}`)));
  const error = await failureOf(() => ask(basic('ann', 'right')));
  assert.deepEqual([error.code, error.status, error.reason], ['SP_AUTHENTICATE_THROTTLED', 429, 'throttled']);
  assert.deepEqual(error.headers, ['retry-after', '2']);
  assert.equal(world.hashes, 3);
});

test('guesses sent at once are counted one after the other', async () => {
  const { world, ask } = setUp();
  const guesses = Array.from({ length: 10 }, (_, n) => failureOf(() => ask(basic('ann', `guess${n}`))));
  const codes = (await Promise.all(guesses)).map((error) => error.code);
  assert.equal(codes.filter((code) => code === 'SP_AUTHENTICATE_REJECTED').length, 3);
  assert.deepEqual([world.hashes, world.most], [3, 1]);
});

test('more guesses than may wait are turned away at once', async () => {
  const { world, ask } = setUp();
  const guesses = Array.from({ length: 100 }, (_, n) => failureOf(() => ask(basic('ann', `guess${n}`))));
  assert.ok((await Promise.all(guesses)).some((error) => error.code === 'SP_AUTHENTICATE_THROTTLED'));
  assert.equal(world.hashes, 3);
});

test('what is remembered does not tell a throttled guesser the right password', async () => {
  const { world, ask } = setUp();
  await ask(basic('ann', 'right'));
  for (let n = 0; n < 4; n++) await failureOf(() => ask(basic('ann', `wrong${n}`)));
  assert.equal((await failureOf(() => ask(basic('ann', 'right')))).code, 'SP_AUTHENTICATE_THROTTLED');
  world.failures.clear();
  world.nowMs += 1500;
  assert.ok(!(ask(basic('ann', 'right')) instanceof Promise));
});

test('a guesser at another address does not meet the memory of the owner', async () => {
  const { world, ask } = setUp();
  await ask(basic('ann', 'right'));
  await ask(basic('ann', 'right'), '192.0.2.2');
  assert.equal(world.hashes, 2);
});

test('what is no name and password is refused without a hash', async () => {
  const { world, method } = setUp();
  for (const authorization of [
    'Basic',
    'Basic ',
    'Basic !!',
    'Basic YW5u',
    basic(' ', 'x'),
    'Basic YTpi YTpi',
  ]) {
    const verdict = await method.inspect(arrivedWith({ authorization }));
    const expected =
      authorization === 'Basic' ? { kind: 'absent' } : { kind: 'rejected', reason: 'credential-malformed' };
    assert.deepEqual(verdict, expected, authorization);
  }
  assert.equal(world.hashes, 0);
});

test('while the state is away the owner goes on, until somebody at the same address guesses too often', async () => {
  for (const up of [true, false]) {
    const { world, ask } = setUp();
    await ask(basic('ann', 'right'));
    Object.assign(world, { away: true, up });
    for (let n = 0; n < 21; n++) {
      assert.equal((await ask(basic('ann', 'right'))).identity?.user, 'ann');
      assert.equal(
        (await failureOf(() => ask(basic('ann', `wrong${n}`)))).code,
        'SP_AUTHENTICATE_UNAVAILABLE',
      );
    }
    assert.equal((await failureOf(() => ask(basic('ann', 'right')))).code, 'SP_AUTHENTICATE_UNAVAILABLE');
  }
});
