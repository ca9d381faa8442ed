import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Sessions } from '../../../src/sessions/sessions.ts';
import type { Notice } from '../../../src/state/notices.ts';
import { openCellar, until } from '../../support/cellar.ts';

const MINUTE = 60_000;
const config = { idleMs: 30 * MINUTE, absoluteMs: 12 * 60 * MINUTE };
const anna = { user: 'anna', groups: ['ops'], email: 'anna@example.com', method: 'basic' } as const;

function open(t: TestContext) {
  const cellar = openCellar(t);
  const sessions = new Sessions({ ...cellar, logger: silentLogger, config });
  t.after(() => sessions.close());
  return { ...cellar, sessions };
}

test('a session is found by its secret and by its id, with all that is known of it', async (t) => {
  const { sessions } = open(t);
  const order = {
    ...anna,
    claims: { a: [1] },
    address: '192.0.2.1',
    device: 'x'.repeat(300),
    account: 'anna',
  };
  const { id, secret, expiresAtSec } = await sessions.create(order);
  assert.match(secret, /^[A-Za-z0-9_-]{43}$/);
  assert.ok(!secret.includes(id));
  const session = await sessions.bySecret(secret);
  assert.deepEqual(session, await sessions.live(id));
  assert.deepEqual(session, {
    ...order,
    device: 'x'.repeat(256),
    id,
    provider: undefined,
    authenticatedAtSec: 1_800_000_000,
    secondFactorAtSec: undefined,
    createdAtSec: 1_800_000_000,
    lastSeenSec: 1_800_000_000,
    expiresAtSec,
  });
  assert.equal(expiresAtSec, 1_800_000_000 + 12 * 3600);
});

test('the state holds the hash of the secret, never the secret', async (t) => {
  const { sessions, store, folder } = open(t);
  const { secret, id } = await sessions.create(anna);
  const stored = await store.records.get(`session:${id}`);
  assert.ok(
    Buffer.from(stored?.value ?? []).includes(createHash('sha256').update(secret).digest('base64url')),
  );
  for (const file of ['state.db', 'state.db-wal']) {
    assert.ok(!readFileSync(join(folder, file)).includes(secret));
  }
});

test('the id is no credential and the secret no id', async (t) => {
  const { sessions } = open(t);
  const { id, secret } = await sessions.create(anna);
  assert.equal(await sessions.bySecret(id), undefined);
  assert.equal(await sessions.live(secret), undefined);
});

test('what is no secret or id is absent', async (t) => {
  const { sessions } = open(t);
  for (const text of ['', 'x', '*', 'a'.repeat(43), 'a'.repeat(22), '\0'.repeat(43), 'ä'.repeat(22)]) {
    assert.equal(await sessions.bySecret(text), undefined);
    assert.equal(await sessions.live(text), undefined);
    assert.equal(await sessions.revoke(text), false);
  }
});

test('an idle session ends at the read, and use keeps it alive', async (t) => {
  const { sessions, advance } = open(t);
  const { id, secret } = await sessions.create(anna);
  advance(config.idleMs - 1);
  sessions.touch(id);
  advance(config.idleMs - 1);
  assert.ok(await sessions.live(id));
  advance(1);
  assert.equal(await sessions.live(id), undefined);
  assert.equal(await sessions.bySecret(secret), undefined);
  assert.deepEqual(await sessions.list(), []);
});

test('no use prolongs a session beyond its absolute age', async (t) => {
  const { sessions, advance } = open(t);
  const { id } = await sessions.create(anna);
  for (let steps = 0; steps < 47; steps += 1) {
    advance(15 * MINUTE);
    sessions.touch(id);
    assert.ok(await sessions.live(id));
  }
  advance(15 * MINUTE);
  assert.equal(await sessions.live(id), undefined);
});

test('a shorter absolute age of the configuration counts for sessions made before', async (t) => {
  const { sessions, advance, ...cellar } = open(t);
  const { id } = await sessions.create(anna);
  const strict = { ...config, absoluteMs: MINUTE };
  const later = new Sessions({ ...cellar, logger: silentLogger, config: strict });
  advance(MINUTE);
  assert.equal(await later.live(id), undefined);
  assert.ok(await sessions.live(id));
});

test('a session can be ordered shorter, never longer', async (t) => {
  const { sessions } = open(t);
  assert.equal((await sessions.create({ ...anna, maxAgeMs: MINUTE })).expiresAtSec, 1_800_000_060);
  const long = await sessions.create({ ...anna, maxAgeMs: config.absoluteMs * 2 });
  assert.equal(long.expiresAtSec, 1_800_000_000 + 12 * 3600);
});

test('a clock that jumps ahead ends sessions, one that jumps back does not', async (t) => {
  const { sessions, advance } = open(t);
  const { id } = await sessions.create(anna);
  advance(-60 * MINUTE);
  assert.ok(await sessions.live(id));
  advance(365 * 24 * 60 * MINUTE);
  assert.equal(await sessions.live(id), undefined);
});

test('uses are written together and seen by other processes', async (t) => {
  const { sessions, advance, another, clock } = open(t);
  const { id } = await sessions.create(anna);
  const elsewhere = new Sessions({ ...(await another()), clock, logger: silentLogger, config });
  advance(20 * MINUTE);
  for (let times = 0; times < 100; times += 1) sessions.touch(id);
  await sessions.close();
  advance(20 * MINUTE);
  assert.equal((await elsewhere.live(id))?.lastSeenSec, 1_800_000_000 + 20 * 60);
});

test('a use that is written after the session was revoked does not bring it back', async (t) => {
  const { sessions, another, clock, advance } = open(t);
  const { id } = await sessions.create(anna);
  advance(5 * MINUTE);
  sessions.touch(id);
  await new Sessions({ ...(await another()), clock, logger: silentLogger, config }).revoke(id);
  await sessions.close();
  assert.equal(await sessions.live(id), undefined);
});

test('uses wait in memory while the state is away', async (t) => {
  const { sessions, advance, cut } = open(t);
  const { id } = await sessions.create(anna);
  advance(20 * MINUTE);
  cut(true);
  sessions.touch(id);
  await sessions.close();
  cut(false);
  await sessions.close();
  assert.equal((await sessions.live(id))?.lastSeenSec, 1_800_000_000 + 20 * 60);
});

test('a revoked session is gone, and every process hears of it', async (t) => {
  const { sessions, another } = open(t);
  const heard: Notice[] = [];
  (await another()).notices.on((notice) => heard.push(notice));
  const { id, secret } = await sessions.create(anna);
  assert.equal(await sessions.revoke(id), true);
  assert.equal(await sessions.bySecret(secret), undefined);
  await until(() => heard.length === 1);
  assert.deepEqual(heard, [{ kind: 'session-ended', id, user: 'anna' }]);
  assert.equal(await sessions.revoke(id), false);
});

test('nothing is claimed while the state is away', async (t) => {
  const { sessions, cut } = open(t);
  const { id, secret } = await sessions.create(anna);
  cut(true);
  const away = { code: 'SP_STATE_UNREACHABLE' };
  await assert.rejects(sessions.revoke(id), away);
  await assert.rejects(sessions.revokeAll('anna'), away);
  await assert.rejects(sessions.live(id), away);
  await assert.rejects(sessions.bySecret(secret), away);
  await assert.rejects(sessions.list(), away);
  await assert.rejects(sessions.create(anna), away);
  cut(false);
  assert.ok(await sessions.live(id));
});

test('a thousand sessions of one user are listed and revoked, those of others stay', async (t) => {
  const { sessions } = open(t);
  await Promise.all(Array.from({ length: 1_000 }, () => sessions.create(anna)));
  await sessions.create({ ...anna, user: 'Anna' });
  assert.equal((await sessions.list('anna')).length, 1_000);
  assert.equal((await sessions.list()).length, 1_001);
  assert.equal(await sessions.revokeAll('anna'), 1_000);
  assert.deepEqual(await sessions.list('anna'), []);
  assert.equal((await sessions.list()).length, 1);
  assert.equal(await sessions.revokeAll('anna'), 0);
});

test('a list shows nothing but views', async (t) => {
  const { sessions } = open(t);
  await sessions.create({ ...anna, claims: { secret: 1 } });
  const [view] = await sessions.list();
  assert.deepEqual(Object.keys(view ?? {}).sort(), [
    ...['address', 'createdAtSec', 'device', 'email', 'expiresAtSec', 'groups', 'id', 'lastSeenSec', 'user'],
  ]);
});

test('a garbage record is corrupt and not absent, is left out of lists, and can be revoked', async (t) => {
  const { sessions, store } = open(t);
  const { id } = await sessions.create(anna);
  const whole = Buffer.from((await store.records.get(`session:${id}`))?.value ?? []).toString();
  const garbage = ['', '{', 'null', '[]', '{}', '\xff', whole.replace('"basic"', '"magic"')];
  garbage.push(
    whole.replace(/"user":"anna"/, '"user":7'),
    whole.replace(/"createdAtMs":\d+/, '"createdAtMs":"x"'),
  );
  garbage.push(whole.replace(id, 'B'.repeat(22)), whole.replace('["ops"]', '"ops"'));
  for (const text of garbage) {
    await store.records.put(`session:${id}`, Buffer.from(text, 'latin1'), { indexes: ['sessions'] });
    await assert.rejects(sessions.live(id), { code: 'SP_STATE_CORRUPT' }, text);
    assert.deepEqual(await sessions.list(), []);
  }
  assert.equal(await sessions.revoke(id), true);
  assert.equal(await sessions.live(id), undefined);
});

test('a session has the groups and the email that its account has now, and is over without the account', async (t) => {
  const cellar = openCellar(t);
  const accounts = new Map([['anna', { groups: ['new'], email: 'new@example.com' }]]);
  const accountOf = async (name: string) => accounts.get(name);
  const sessions = new Sessions({ ...cellar, logger: silentLogger, config, accountOf });
  t.after(() => sessions.close());
  const { id, secret } = await sessions.create({ ...anna, account: 'anna' });
  const foreign = await sessions.create(anna);
  assert.deepEqual((await sessions.live(id))?.groups, ['new']);
  assert.equal((await sessions.bySecret(secret))?.email, 'new@example.com');
  assert.deepEqual((await sessions.live(foreign.id))?.groups, ['ops']);
  assert.deepEqual((await sessions.list('anna')).map(({ groups }) => groups[0]).sort(), ['new', 'ops']);
  accounts.clear();
  assert.equal(await sessions.live(id), undefined);
  assert.equal(await sessions.bySecret(secret), undefined);
});

test('other ages count for the sessions that there are', async (t) => {
  const { sessions, advance } = open(t);
  const { id } = await sessions.create(anna);
  advance(2 * MINUTE);
  sessions.configure({ ...config, idleMs: MINUTE });
  assert.equal(await sessions.live(id), undefined);
  sessions.configure(config);
  assert.notEqual(await sessions.live(id), undefined);
});
