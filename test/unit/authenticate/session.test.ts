import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Verdict } from '../../../src/authenticate/method.ts';
import { makeSessionMethod } from '../../../src/authenticate/session.ts';
import type { Arrived } from '../../../src/exchange.ts';
import { arrivedWith } from './support.ts';

const COOKIE = '__Host-sallyport';
const LIVE = 'L'.repeat(43);
const ALSO_LIVE = 'M'.repeat(43);
const CORP = 'C'.repeat(43);
const OVER = 'O'.repeat(43);

function open(name: 'session' | 'oidc' = 'session') {
  const asked: string[] = [];
  const touched: string[] = [];
  const session = (id: string, provider?: object) => ({
    id,
    user: 'anna',
    groups: ['ops'],
    email: undefined,
    claims: {},
    expiresAtSec: 2_000,
    authenticatedAtSec: 1_000,
    secondFactorAtSec: undefined,
    provider,
  });
  const live = new Map([
    [LIVE, session('s1')],
    [ALSO_LIVE, session('s2')],
    [CORP, session('s3', { name: 'corp' })],
  ]);
  const sessions = {
    idleMs: 60_000,
    touch: (id: string) => touched.push(id),
    async bySecret(secret: string) {
      asked.push(secret);
      return live.get(secret);
    },
  };
  const method = makeSessionMethod({ name, cookie: COOKIE, sessions });
  const ask = (cookie: string | undefined): Verdict | Promise<Verdict> => method.inspect(withCookie(cookie));
  return { asked, touched, method, ask };
}

function withCookie(cookie: string | undefined): Arrived {
  const arrived = arrivedWith();
  return { ...arrived, request: { ...arrived.request, cookie } };
}

test('a live cookie is a session, with everything that policies ask of it', async () => {
  const verdict = await open().ask(`a=b; ${COOKIE}=${LIVE}; c=d`);
  assert.ok(verdict.kind === 'verified');
  const { user, method, sessionId, authenticatedAtSec, expiresAtSec } = verdict.identity;
  assert.deepEqual(
    [user, method, sessionId, authenticatedAtSec, expiresAtSec],
    ['anna', 'session', 's1', 1_000, 2_000],
  );
  const { ties } = verdict;
  assert.deepEqual(
    [ties.sessionId, ties.account, ties.needsState, ties.idleMs],
    ['s1', 'anna', true, 60_000],
  );
});

test('a cookie that is unknown, over or malformed is absent: it keeps nobody out', async () => {
  const { ask } = open();
  for (const value of [OVER, '', 'x', `${LIVE}x`, `${LIVE.slice(1)}!`, `"${OVER}"`]) {
    assert.deepEqual(await ask(`${COOKIE}=${value}`), { kind: 'absent' }, value);
  }
});

test('what only looks like the cookie is not looked up', async () => {
  const { ask, asked } = open();
  for (const cookie of [
    `x${COOKIE}=${LIVE}`,
    `${COOKIE}x=${LIVE}`,
    `${COOKIE.toLowerCase()}=${LIVE}`,
    `=${COOKIE}=${LIVE}`,
    `a="b; c=${COOKIE}:${LIVE}"`,
    `${COOKIE}`,
  ]) {
    assert.deepEqual(await ask(cookie), { kind: 'absent' }, cookie);
  }
  assert.deepEqual(asked, []);
});

test('a planted cookie beside the own one: over, it is passed over; live or malformed, both are refused', async () => {
  const { ask } = open();
  const two = (other: string) => ask(`${COOKIE}=${other}; ${COOKIE}=${LIVE}`);
  assert.equal((await two(OVER)).kind, 'verified');
  assert.deepEqual(await two(ALSO_LIVE), { kind: 'rejected', reason: 'credential-twice' });
  assert.deepEqual(await two(LIVE), { kind: 'rejected', reason: 'credential-twice' });
  assert.deepEqual(await two('x'), { kind: 'rejected', reason: 'credential-malformed' });
});

test('a request cannot make the state look up cookies without end', async () => {
  const { ask, asked } = open();
  const cookie = Array.from({ length: 100 }, () => `${COOKIE}=${OVER}`).join('; ');
  assert.deepEqual(await ask(cookie), { kind: 'rejected', reason: 'credential-twice' });
  assert.deepEqual(asked, []);
});

test('oidc takes only sessions for which a provider vouches', async () => {
  const { ask } = open('oidc');
  assert.deepEqual(await ask(`${COOKIE}=${LIVE}`), { kind: 'absent' });
  const verdict = await ask(`${COOKIE}=${CORP}`);
  assert.equal(verdict.kind === 'verified' && verdict.identity.method, 'oidc');
});

test('verdicts of the two methods are remembered apart', () => {
  const arrived = withCookie(`${COOKIE}=${CORP}`);
  assert.notEqual(open('oidc').method.credential(arrived), open().method.credential(arrived));
});

test('each use is noted', async () => {
  const { method, touched, ask } = open();
  const verdict = await ask(`${COOKIE}=${LIVE}`);
  if (verdict.kind === 'verified') method.used?.(withCookie(undefined), verdict);
  assert.deepEqual(touched, ['s1']);
});
