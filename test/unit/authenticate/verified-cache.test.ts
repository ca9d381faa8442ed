import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Ties, Verified } from '../../../src/authenticate/method.ts';
import { VerifiedCache } from '../../../src/authenticate/verified-cache.ts';

const NO_TIES: Ties = {
  expiresAtSec: undefined,
  needsState: true,
  account: undefined,
  sessionId: undefined,
  jti: undefined,
  subject: undefined,
  issuedAtSec: undefined,
};

function verified(user: string, ties: Partial<Ties> = {}): Verified {
  return {
    kind: 'verified',
    identity: {
      user,
      method: 'token',
      groups: [],
      email: undefined,
      claims: {},
      sessionId: ties.sessionId,
      expiresAtSec: ties.expiresAtSec,
    },
    ties: { ...NO_TIES, ...ties },
  };
}

function setUp(entries = 100) {
  const world = { nowMs: 1_000_000, up: true, revoked: new Set<string>() };
  const cache = new VerifiedCache({
    entries,
    cacheMs: 60_000,
    graceMs: 300_000,
    clock: () => world.nowMs,
    isStateUp: () => world.up,
    isRevoked: ({ jti }) => jti !== undefined && world.revoked.has(jti),
  });
  const keep = (name: string, ties: Partial<Ties> = {}) =>
    cache.remember(cache.keyOf(name), verified(name, ties), cache.mark());
  const recall = (name: string, storeDown: 'closed' | 'grace' | 'open-to-known' = 'grace') => {
    const known = cache.recall(cache.keyOf(name), 'token', storeDown);
    return typeof known === 'object' ? known.identity.user : known;
  };
  return { world, cache, keep, recall };
}

test('a credential is known until it has to be verified anew', () => {
  const { world, keep, recall } = setUp();
  keep('ann');
  world.nowMs += 59_999;
  assert.equal(recall('ann'), 'ann');
  world.nowMs += 1;
  assert.equal(recall('ann'), 'unknown');
  assert.equal(recall('bob'), 'unknown');
});

test('the key is neither the credential nor the same in another cache', () => {
  const key = setUp().cache.keyOf('Bearer secret');
  assert.ok(!key.includes('secret'));
  assert.notEqual(key, setUp().cache.keyOf('Bearer secret'));
});

test('expiry is decided at use, whatever the cache time says', () => {
  const { world, keep, recall, cache } = setUp();
  keep('ann', { expiresAtSec: 1_001 });
  world.nowMs = 1_000_999;
  assert.equal(recall('ann'), 'ann');
  world.nowMs = 1_001_000;
  assert.equal(recall('ann'), 'unknown');
  assert.equal(cache.size, 0);
});

test('a clock that is set back makes every credential be verified anew', () => {
  const { world, keep, recall } = setUp();
  keep('ann');
  world.nowMs -= 1;
  assert.equal(recall('ann'), 'unknown');
});

test('an entry counts only for the method that verified it', () => {
  const { cache, keep } = setUp();
  keep('ann');
  assert.equal(cache.recall(cache.keyOf('ann'), 'basic', 'grace'), 'unknown');
});

test('an entry that was not used lately goes first and takes its index with it', () => {
  const { keep, recall, cache } = setUp(2);
  keep('ann', { account: 'ann' });
  keep('bob', { account: 'bob' });
  recall('ann');
  keep('cid', { account: 'cid' });
  assert.deepEqual([recall('ann'), recall('bob'), recall('cid')], ['ann', 'unknown', 'cid']);
  cache.forget({ kind: 'account-changed', name: 'bob' });
  assert.equal(cache.size, 2);
});

test('each kind of notice forgets what hangs on it and nothing else', () => {
  const { cache, keep, recall } = setUp();
  const fill = () => {
    keep('s', { sessionId: 's1', account: 'ann' });
    keep('a', { account: 'bob' });
    keep('j', { jti: 'j1' });
    keep('u', { subject: 'sub1' });
  };
  const known = () => ['s', 'a', 'j', 'u'].filter((name) => recall(name) === name).join('');
  fill();
  assert.equal(known(), 'saju');
  cache.forget({ kind: 'session-ended', id: 's1', user: 'ann' });
  assert.equal(known(), 'aju');
  cache.forget({ kind: 'account-removed', name: 'bob' });
  assert.equal(known(), 'ju');
  cache.forget({ kind: 'token-revoked', jti: 'j1', untilSec: 0 });
  assert.equal(known(), 'u');
  cache.forget({ kind: 'subject-revoked', subject: 'sub1', beforeSec: 0 });
  assert.equal(known(), '');
  fill();
  cache.forget({ kind: 'sessions-ended', user: 'ann' });
  assert.equal(known(), 'aju');
  cache.forget({ kind: 'certificate-changed', name: 'site' });
  assert.equal(known(), 'aju');
  cache.forgetAll();
  assert.equal(known(), '');
});

test('a revoked token is refused although it is still remembered', () => {
  const { world, keep, recall } = setUp();
  keep('ann', { jti: 'j1' });
  world.revoked.add('j1');
  assert.equal(recall('ann'), 'revoked');
});

test('a verification that began before an ending of its own is not remembered', () => {
  const { cache, recall } = setUp();
  const remember = (mark: number) =>
    cache.remember(cache.keyOf('x'), verified('x', { sessionId: 's1' }), mark);
  const mark = cache.mark();
  cache.forget({ kind: 'session-ended', id: 'other', user: 'bob' });
  remember(mark);
  assert.equal(recall('x'), 'x');
  cache.forget({ kind: 'session-ended', id: 's1', user: 'ann' });
  remember(mark);
  assert.equal(recall('x'), 'unknown');
  remember(cache.mark());
  assert.equal(recall('x'), 'x');
});

test('after a gap, or after more endings than are remembered, nothing that began before is remembered', () => {
  const { cache, recall } = setUp();
  const before = cache.mark();
  cache.forgetAll();
  cache.remember(cache.keyOf('x'), verified('x', { account: 'x' }), before);
  assert.equal(recall('x'), 'unknown');
  const mark = cache.mark();
  for (let n = 0; n < 2000; n++) cache.forget({ kind: 'session-ended', id: `s${n}`, user: 'u' });
  cache.remember(cache.keyOf('x'), verified('x', { account: 'x' }), mark);
  assert.equal(recall('x'), 'unknown');
});

test('while the state is away a route decides what a known identity is worth', () => {
  const { world, keep, recall } = setUp();
  keep('ann', { expiresAtSec: 3_000 });
  world.up = false;
  assert.deepEqual(
    [recall('ann', 'closed'), recall('ann', 'grace'), recall('ann', 'open-to-known')],
    ['down', 'ann', 'ann'],
  );
  world.nowMs += 300_000;
  assert.deepEqual(
    [recall('ann', 'closed'), recall('ann', 'grace'), recall('ann', 'open-to-known')],
    ['down', 'down', 'ann'],
  );
  world.nowMs = 3_000_000;
  assert.equal(recall('ann', 'open-to-known'), 'unknown');
});

test('what does not need the state is judged as if it were there, but on a closed route', () => {
  const { world, keep, recall } = setUp();
  keep('ann', { needsState: false });
  world.up = false;
  assert.equal(recall('ann', 'grace'), 'ann');
  assert.equal(recall('ann', 'closed'), 'down');
  world.nowMs += 60_000;
  assert.equal(recall('ann', 'open-to-known'), 'unknown');
});

test('a full cache stays full and takes in what is new, also when every entry is in use', () => {
  const { keep, recall, cache } = setUp(50);
  for (let n = 0; n < 500; n++) {
    keep(`u${n}`, { account: `u${n}` });
    for (let used = 0; used <= n; used += 7) recall(`u${used}`);
    assert.equal(recall(`u${n}`), `u${n}`);
    assert.equal(cache.size, Math.min(n + 1, 50));
  }
});

test('what ends for silence is asked for anew after that silence, and goes on while it is used', () => {
  const { world, keep, recall } = setUp();
  keep('ann', { sessionId: 's1', idleMs: 10_000 });
  for (let i = 0; i < 3; i += 1) {
    world.nowMs += 9_999;
    assert.equal(recall('ann'), 'ann');
  }
  world.nowMs += 10_000;
  assert.equal(recall('ann'), 'unknown');
});
