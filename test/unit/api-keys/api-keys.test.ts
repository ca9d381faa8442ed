import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ApiKeys } from '../../../src/api-keys/api-keys.ts';
import { isKey, looksLikeKey, newKey } from '../../../src/api-keys/key-text.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import type { Notice } from '../../../src/state/notice.ts';
import { openCellar } from '../../support/cellar.ts';

const DAY = 86_400_000;
const anna = { user: 'anna', account: 'anna', groups: ['ops'], email: undefined };
const carl = { user: 'carl', account: undefined, groups: ['dev'], email: 'carl@example.com' };

function open(t: TestContext) {
  const cellar = openCellar(t);
  const { store, notices, clock } = cellar;
  const accounts = new Map([['anna', { groups: ['ops'], email: 'anna@example.com' }]]);
  const apiKeys = new ApiKeys({
    store,
    notices,
    clock,
    logger: silentLogger,
    maxLifeMs: 365 * DAY,
    confirmMs: 30 * DAY,
    accountOf: async (name) => accounts.get(name),
    endSessions: async () => {},
  });
  const told: Notice[] = [];
  notices.on((notice) => told.push(notice));
  return { ...cellar, apiKeys, accounts, told };
}

test('a key is recognised by its form, and a typo without asking anybody', () => {
  const key = newKey();
  assert.match(key, /^sp_[A-Za-z0-9_-]{49}$/);
  assert.ok(isKey(key) && looksLikeKey(key));
  for (let at = 3; at < key.length; at += 1) {
    const typo = `${key.slice(0, at)}${key[at] === 'x' ? 'y' : 'x'}${key.slice(at + 1)}`;
    assert.equal(isKey(typo), false, `character ${at}`);
  }
  for (const odd of ['', 'sp_', key.slice(0, -1), `${key}a`, `${key}\n`, ` ${key}`])
    assert.equal(isKey(odd), false);
});

test('the key is given out once; the state holds its hash only', async (t) => {
  const { apiKeys, folder, store } = open(t);
  const { key, view } = await apiKeys.create({ owner: anna, name: ' backup ' });
  assert.deepEqual(view.name, 'backup');
  assert.equal((await apiKeys.byKey(key))?.owner, 'anna');
  assert.equal(JSON.stringify(await apiKeys.list()).includes(key.slice(3)), false);
  assert.equal(await apiKeys.byKey(newKey()), undefined);
  await store.close();
  assert.equal(readFileSync(join(folder, 'state.db'), 'latin1').includes(key.slice(3, 40)), false);
});

test('groups and email are those of the account now, and without it the key is dead', async (t) => {
  const { apiKeys, accounts } = open(t);
  const { key } = await apiKeys.create({ owner: anna, name: 'backup' });
  accounts.set('anna', { groups: ['none'], email: 'new@example.com' });
  const found = await apiKeys.byKey(key);
  assert.deepEqual([found?.groups, found?.email], [['none'], 'new@example.com']);
  accounts.delete('anna');
  assert.equal(await apiKeys.byKey(key), undefined);
});

test('an owner without account is as the last sign-in said', async (t) => {
  const { apiKeys, told } = open(t);
  const { key, view } = await apiKeys.create({ owner: carl, name: 'script' });
  await apiKeys.refreshOwner(carl);
  assert.deepEqual(told, [], 'nothing changed');
  await apiKeys.refreshOwner({ ...carl, groups: [] });
  assert.deepEqual((await apiKeys.byKey(key))?.groups, []);
  assert.deepEqual(told, [{ kind: 'api-key-ended', id: view.id, user: 'carl' }]);
});

test('a key ends at its life, at the longest one, and not before', async (t) => {
  const { apiKeys, advance } = open(t);
  const short = await apiKeys.create({ owner: anna, name: 'short', lifeMs: DAY });
  const long = await apiKeys.create({ owner: anna, name: 'long' });
  advance(DAY - 1);
  assert.ok(await apiKeys.byKey(short.key));
  advance(1);
  assert.equal(await apiKeys.byKey(short.key), undefined);
  assert.deepEqual(
    (await apiKeys.list('anna')).map(({ name }) => name),
    ['long'],
  );
  apiKeys.configure({ maxLifeMs: DAY, confirmMs: 0 });
  assert.equal(await apiKeys.byKey(long.key), undefined, 'a shorter limit counts for those that there are');
});

test('a key is ended by its owner or the admin, and every process is told', async (t) => {
  const { apiKeys, told } = open(t);
  const { key, view } = await apiKeys.create({ owner: anna, name: 'backup' });
  assert.equal(await apiKeys.revoke(view.id, 'carl'), false);
  assert.ok(await apiKeys.byKey(key));
  assert.equal(await apiKeys.revoke(view.id, 'anna'), true);
  assert.equal(await apiKeys.byKey(key), undefined);
  assert.deepEqual(told, [{ kind: 'api-key-ended', id: view.id, user: 'anna' }]);
  assert.equal(await apiKeys.revoke('../etc'), false);
});

test('all keys of an owner end together, those of others stay', async (t) => {
  const { apiKeys } = open(t);
  await apiKeys.create({ owner: anna, name: 'one' });
  await apiKeys.create({ owner: anna, name: 'two' });
  const other = await apiKeys.create({ owner: carl, name: 'three' });
  assert.equal(await apiKeys.revokeAll('anna'), 2);
  assert.deepEqual(
    (await apiKeys.list()).map(({ owner }) => owner),
    ['carl'],
  );
  assert.ok(await apiKeys.byKey(other.key));
});

test('the last use is written later, and never brings back what was ended', async (t) => {
  const { apiKeys, advance } = open(t);
  const { view } = await apiKeys.create({ owner: anna, name: 'one' });
  const gone = await apiKeys.create({ owner: anna, name: 'two' });
  advance(5_000);
  apiKeys.used(view.id, '192.0.2.9');
  apiKeys.used(gone.view.id, '192.0.2.9');
  await apiKeys.revoke(gone.view.id);
  await apiKeys.close();
  const list = await apiKeys.list();
  assert.deepEqual(
    list.map(({ name, lastUsedSec, lastAddress }) => [name, lastUsedSec, lastAddress]),
    [['one', 1_800_000_005, '192.0.2.9']],
  );
});

test('an order that means nothing is refused with every problem', async (t) => {
  const { apiKeys } = open(t);
  const order = {
    owner: anna,
    name: ' ',
    routes: ['A.example.com', 'a.example.com/ x', 'https://a.example.com'],
    methods: ['GET ', ''],
    addresses: ['10.0.0.1/8'],
    lifeMs: 366 * DAY,
  };
  const failure = await apiKeys.create(order).catch((error: unknown) => error);
  assert.equal(Object(failure).code, 'SP_ADMIN_BAD_REQUEST');
  assert.equal(Object(failure).problems.length, 8, String(Object(failure).problems));
  const good = {
    owner: anna,
    name: 'x',
    routes: ['*.example.com/', '*/', 'a.example.com'],
    methods: ['get'],
  };
  assert.deepEqual((await apiKeys.create(good)).view.bounds.methods, ['GET']);
});

test('an app password of somebody whom a provider vouches for rests when they have not signed in for a month', async (t) => {
  const { apiKeys, advance } = open(t);
  const theirs = await apiKeys.create({ owner: carl, name: 'script' });
  const ours = await apiKeys.create({ owner: anna, name: 'script' });
  advance(29 * DAY);
  assert.ok(await apiKeys.byKey(theirs.key));
  await apiKeys.refreshOwner(carl);
  advance(29 * DAY);
  assert.ok(await apiKeys.byKey(theirs.key));
  advance(2 * DAY);
  assert.equal(await apiKeys.byKey(theirs.key), undefined);
  assert.ok(await apiKeys.byKey(ours.key), 'an account says by itself when its user is gone');
  await apiKeys.refreshOwner(carl);
  assert.ok(await apiKeys.byKey(theirs.key), 'it works again when they have');
});
