import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { Sessions } from '../../../src/sessions/sessions.ts';
import type { Notice } from '../../../src/state/notice.ts';
import { openCellar } from '../../support/cellar.ts';

const NOW = 1_800_000_000;
const config = { idleMs: 30 * 60_000, absoluteMs: 12 * 3_600_000 };
const anna = { user: 'anna', groups: ['ops'], email: undefined, method: 'oidc' as const };

function open(t: TestContext) {
  const cellar = openCellar(t);
  const { store, notices, clock } = cellar;
  const sealer = makeSealer(randomBytes(32));
  const sessions = new Sessions({ store, notices, clock, logger: silentLogger, config, sealer });
  const told: Notice[] = [];
  notices.on((notice) => told.push(notice));
  return { ...cellar, sessions, told };
}

test('a session proves its sign-in at its making, and no second factor, unless something else is said', async (t) => {
  const { sessions } = open(t);
  const plain = await sessions.live((await sessions.create(anna)).id);
  assert.deepEqual([plain?.authenticatedAtSec, plain?.secondFactorAtSec], [NOW, undefined]);
  const proof = { authenticatedAtSec: undefined, secondFactorAtSec: NOW - 5 };
  const other = await sessions.live((await sessions.create({ ...anna, proof })).id);
  assert.deepEqual([other?.authenticatedAtSec, other?.secondFactorAtSec], [undefined, NOW - 5]);
});

test('a step-up keeps the session and its end, and gives it another secret', async (t) => {
  const { sessions, advance, told } = open(t);
  const before = await sessions.create(anna);
  advance(60_000);
  const after = await sessions.elevate(before.id, { secondFactorAtSec: NOW + 60 });
  assert.ok(after !== undefined);
  assert.deepEqual([after.id, after.expiresAtSec], [before.id, before.expiresAtSec]);
  assert.equal(await sessions.bySecret(before.secret), undefined);
  const session = await sessions.bySecret(after.secret);
  assert.deepEqual([session?.authenticatedAtSec, session?.secondFactorAtSec], [NOW, NOW + 60]);
  assert.deepEqual(told, [{ kind: 'session-changed', id: before.id, user: 'anna' }]);
});

test('of two step-ups at the same moment, exactly the secret that was given last counts', async (t) => {
  const { sessions } = open(t);
  const { id } = await sessions.create(anna);
  const both = await Promise.all([1, 2].map(() => sessions.elevate(id, { secondFactorAtSec: NOW })));
  const live = await Promise.all(both.map((one) => sessions.bySecret(one?.secret ?? '')));
  assert.equal(live.filter((session) => session?.id === id).length, 1);
});

test('a session that is over is not stepped up', async (t) => {
  const { sessions } = open(t);
  const { id } = await sessions.create(anna);
  await sessions.revoke(id);
  assert.equal(await sessions.elevate(id, { secondFactorAtSec: NOW }), undefined);
  assert.equal(await sessions.elevate('nonsense', {}), undefined);
  assert.equal(await sessions.renew(id, { groups: [] }), false);
});

test('tokens of a provider are sealed at rest, renewed, and end with the session', async (t) => {
  const { sessions, folder, store } = open(t);
  const tokens = { idToken: 'id-canary', refreshToken: 'refresh-canary', expiresAtSec: NOW + 60 };
  const { id } = await sessions.create({ ...anna, tokens });
  assert.deepEqual(await sessions.tokens(id), tokens);
  const next = { ...tokens, refreshToken: 'next-canary' };
  assert.equal(await sessions.renew(id, { tokens: next, groups: ['dev'] }), true);
  assert.deepEqual(await sessions.tokens(id), next);
  assert.deepEqual((await sessions.live(id))?.groups, ['dev']);
  assert.equal(JSON.stringify(await sessions.list()).includes('canary'), false);
  await sessions.revoke(id);
  assert.equal(await sessions.tokens(id), undefined);
  await store.close();
  assert.equal(readFileSync(join(folder, 'state.db'), 'latin1').includes('canary'), false);
});

test('tokens that are renewed without news of the person disturb nobody', async (t) => {
  const { sessions, told } = open(t);
  const { id } = await sessions.create(anna);
  const tokens = { idToken: 'a', refreshToken: 'b', expiresAtSec: NOW + 60 };
  assert.equal(await sessions.renew(id, { tokens, groups: ['ops'] }), true);
  assert.deepEqual(told, []);
  await sessions.renew(id, { groups: [] });
  assert.deepEqual(told, [{ kind: 'session-changed', id, user: 'anna' }]);
});

test('a provider ends its sessions by sid or by subject, and only its own', async (t) => {
  const { sessions, told } = open(t);
  const at = (name: string, sid: string | undefined, subject: string) =>
    sessions.create({ ...anna, provider: { name, sid, subject } });
  const first = await at('corp', 's1', 'u1');
  const second = await at('corp', 's2', 'u1');
  const third = await at('corp', undefined, 'u2');
  const elsewhere = await at('other', 's1', 'u1');
  assert.deepEqual(await sessions.endByProvider('corp', { sid: 's1' }), [first.id]);
  assert.deepEqual(told, [{ kind: 'session-ended', id: first.id, user: 'anna' }]);
  assert.deepEqual(await sessions.endByProvider('corp', { subject: 'u1' }), [second.id]);
  assert.deepEqual(await sessions.endByProvider('corp', { subject: 's1' }), []);
  for (const { id } of [third, elsewhere]) assert.equal((await sessions.live(id))?.id, id);
});

test('the lists of a provider still find a session after it was renewed and stepped up', async (t) => {
  const { sessions } = open(t);
  const { id } = await sessions.create({ ...anna, provider: { name: 'corp', sid: 's1', subject: 'u1' } });
  await sessions.renew(id, { groups: [] });
  await sessions.elevate(id, { secondFactorAtSec: NOW });
  assert.deepEqual(await sessions.endByProvider('corp', { sid: 's1' }), [id]);
});

test('a record from before there were proofs and providers is read as one without', async (t) => {
  const { sessions, store } = open(t);
  const { id } = await sessions.create(anna);
  const stored = await store.records.get(`session:${id}`);
  const record = JSON.parse(Buffer.from(stored?.value ?? []).toString());
  for (const field of ['authenticatedAtSec', 'secondFactorAtSec', 'providerName']) delete record[field];
  await store.records.put(`session:${id}`, Buffer.from(JSON.stringify(record)));
  const session = await sessions.live(id);
  assert.deepEqual(
    [session?.user, session?.provider, session?.authenticatedAtSec],
    ['anna', undefined, undefined],
  );
});

test('uses are noted without asking the state each time', async (t) => {
  const { sessions, store, advance } = open(t);
  const { id } = await sessions.create(anna);
  for (let i = 0; i < 5; i += 1) {
    advance(29 * 60_000);
    assert.equal((await sessions.live(id))?.id, id, 'it does not end while it is used');
    for (let again = 0; again < 100; again += 1) sessions.touch(id);
  }
  await sessions.close();
  const stored = await store.records.get(`session:${id}`);
  assert.equal(
    JSON.parse(Buffer.from(stored?.value ?? []).toString()).lastSeenMs,
    (NOW + 5 * 29 * 60) * 1000,
  );
});
