import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Notice } from '../../../src/state/notices.ts';
import { listeningLogger, until } from '../../support/cellar.ts';
import { openAccounts } from '../../support/open-accounts.ts';

const PASSWORD = 'correct horse';
const SHA = '{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=';
const bad = { code: 'SP_ADMIN_BAD_REQUEST' };

test('an account is made, found in any spelling, changed in part, and never shows its hash', async (t) => {
  const { accounts, advance } = openAccounts(t);
  const made = await accounts.put(' ANNA ', {
    password: PASSWORD,
    groups: ['ops', 'ops'],
    email: 'Anna@Example.COM',
  });
  const expected = { name: 'anna', groups: ['ops'], email: 'anna@example.com' };
  assert.deepEqual(made, { ...expected, createdAtSec: 1_800_000_000, updatedAtSec: 1_800_000_000 });
  assert.deepEqual(await accounts.get('ａｎｎａ'), made);
  advance(60_000);
  const changed = await accounts.put('Anna', { groups: ['dev'] });
  assert.deepEqual(changed, { ...made, groups: ['dev'], updatedAtSec: 1_800_000_060 });
  assert.deepEqual(await accounts.list(), [changed]);
  assert.deepEqual(await accounts.verify('aNNa', PASSWORD), changed);
});

test('the right password is told from every other', async (t) => {
  const { accounts } = openAccounts(t);
  await accounts.put('anna', { password: PASSWORD });
  await accounts.put('bert', { password: 'another one' });
  const wrong = [
    '',
    ' ',
    `${PASSWORD} `,
    'Correct horse',
    'another one',
    `${PASSWORD}\0`,
    'x'.repeat(1e5),
    '\ud800',
  ];
  for (const password of wrong) assert.equal(await accounts.verify('anna', password), undefined);
  for (const name of ['', 'nobody', 'an:na', 'anna\0', '\u202eanna', 'x'.repeat(1e5)]) {
    assert.equal(await accounts.verify(name, PASSWORD), undefined);
    assert.equal(await accounts.verify(name, ''), undefined);
  }
});

test('a new account needs a password, and every problem is named at once', async (t) => {
  const { accounts } = openAccounts(t);
  await assert.rejects(accounts.put('anna', { groups: ['ops'] }), bad);
  const order = { password: 'short', groups: ['a,b'], email: 'a@evil.example@corp.example' };
  await assert.rejects(accounts.put('anna', order), (error: Error & { problems?: readonly string[] }) => {
    assert.deepEqual(
      error.problems?.map((problem) => problem.split(':')[0]),
      ['password', 'groups', 'email'],
    );
    return !error.message.includes('short');
  });
  assert.deepEqual(await accounts.list(), []);
});

test('passwords have 8 to 1024 bytes and no control characters', async (t) => {
  const { accounts } = openAccounts(t);
  for (const password of [
    '',
    '1234567',
    'x'.repeat(1025),
    '€'.repeat(342),
    'correct\0horse',
    'correct\nhorse',
  ]) {
    await assert.rejects(accounts.put('anna', { password }), bad);
  }
  for (const password of ['12345678', '€€€', 'x'.repeat(1024)]) {
    await accounts.put('anna', { password });
    assert.ok(await accounts.verify('anna', password));
  }
});

test('emails have one @, names and groups can be seen', async (t) => {
  const { accounts } = openAccounts(t);
  for (const email of [
    '',
    '@',
    'a@',
    '@b',
    'a@b@c',
    'a b@c',
    'a@b\u200b',
    'a@b\r\nx:y',
    `${'a'.repeat(250)}@b.cd`,
  ]) {
    await assert.rejects(accounts.put('anna', { password: PASSWORD, email }), bad, email);
  }
  for (const group of ['', ' ops', 'a,b', 'a\r\nb', '\u202eops', 'x'.repeat(129)]) {
    await assert.rejects(accounts.put('anna', { password: PASSWORD, groups: [group] }), bad, group);
  }
  for (const name of ['', 'a:b', 'a\u200bb', '..']) {
    await assert.rejects(accounts.put(name, { password: PASSWORD }), bad, name);
  }
});

test('a password and a hash together, or a hash of no accepted form, are refused', async (t) => {
  const { accounts } = openAccounts(t);
  await assert.rejects(accounts.put('anna', { password: PASSWORD, passwordHash: SHA }), bad);
  await assert.rejects(accounts.put('anna', { passwordHash: 'rqXexS6ZhobKA' }), bad);
  await accounts.put('anna', { passwordHash: SHA });
  assert.ok(await accounts.verify('anna', PASSWORD));
});

test('changes made at the same time in two processes all count', async (t) => {
  const { accounts, at, another } = openAccounts(t);
  await accounts.put('anna', { password: PASSWORD });
  const elsewhere = at(await another());
  for (let round = 0; round < 20; round += 1) {
    await Promise.all([
      accounts.put('anna', { groups: [`g${round}`] }),
      elsewhere.put('anna', { email: `a${round}@example.com` }),
    ]);
    const { groups, email } = (await accounts.get('anna')) ?? {};
    assert.deepEqual([groups, email], [[`g${round}`], `a${round}@example.com`]);
  }
});

test('a change tells every process; another password ends the sessions, the same one does not', async (t) => {
  const { accounts, another, ended } = openAccounts(t);
  const heard: Notice[] = [];
  (await another()).notices.on((notice) => heard.push(notice));
  await accounts.put('anna', { password: PASSWORD });
  ended.length = 0;
  await accounts.put('anna', { password: PASSWORD, groups: ['ops'] });
  assert.deepEqual(ended, []);
  await accounts.put('anna', { password: 'another one' });
  assert.deepEqual(ended, ['anna']);
  await until(() => heard.length === 3);
  assert.deepEqual(heard[0], { kind: 'account-changed', name: 'anna' });
});

test('a new account ends the sessions of whoever had its name before, made or imported', async (t) => {
  const { accounts, ended } = openAccounts(t);
  await accounts.put('Anna', { password: PASSWORD });
  await accounts.importHash('bob', SHA);
  assert.deepEqual([...new Set(ended)], ['anna', 'bob']);
});

test('a removed account is gone everywhere, with its sessions', async (t) => {
  const { accounts, another, ended } = openAccounts(t);
  const heard: Notice[] = [];
  await accounts.put('anna', { password: PASSWORD });
  ended.length = 0;
  (await another()).notices.on((notice) => heard.push(notice));
  assert.equal(await accounts.remove('ANNA'), true);
  assert.equal(await accounts.verify('anna', PASSWORD), undefined);
  assert.deepEqual(ended, ['anna']);
  await until(() => heard.length === 1);
  assert.deepEqual(heard, [{ kind: 'account-removed', name: 'anna' }]);
  assert.equal(await accounts.remove('anna'), false);
  assert.equal(await accounts.remove('\0'), false);
});

test('an imported hash is replaced by argon2id on first use, without ending sessions', async (t) => {
  const { accounts, hashOf, ended } = openAccounts(t);
  await accounts.importHash('anna', SHA);
  ended.length = 0;
  assert.equal(await accounts.verify('anna', 'wrong horse'), undefined);
  assert.equal(await hashOf('anna'), SHA);
  assert.ok(await accounts.verify('anna', PASSWORD));
  assert.match(await hashOf('anna'), /^\$argon2id\$v=19\$m=64,t=1,p=1\$/);
  assert.ok(await accounts.verify('anna', PASSWORD));
  assert.deepEqual(ended, []);
});

test('an unreachable state is neither a wrong password nor an absent account', async (t) => {
  const { accounts, cut } = openAccounts(t);
  await accounts.put('anna', { password: PASSWORD });
  cut(true);
  const away = { code: 'SP_STATE_UNREACHABLE' };
  for (const name of ['anna', 'nobody']) {
    await assert.rejects(accounts.verify(name, PASSWORD), away);
    await assert.rejects(accounts.get(name), away);
    await assert.rejects(accounts.remove(name), away);
  }
  await assert.rejects(accounts.put('anna', { groups: [] }), away);
  await assert.rejects(accounts.list(), away);
  cut(false);
  assert.ok(await accounts.verify('anna', PASSWORD));
});

test('a garbage record admits nobody, is left out of lists with a log line, and can be removed', async (t) => {
  const { accounts, store, notices, at } = openAccounts(t);
  await accounts.put('anna', { password: PASSWORD });
  await accounts.put('bert', { password: PASSWORD });
  const whole = Buffer.from((await store.records.get('account:anna'))?.value ?? []).toString();
  const garbage = [
    '',
    '{',
    'null',
    '[]',
    '{}',
    '\xff',
    whole.replace('$argon2id', '$argon3'),
    whole.replace('anna', 'bert'),
  ];
  for (const text of [...garbage, whole.replace('"groups":[]', '"groups":[1]')]) {
    await store.records.put('account:anna', Buffer.from(text, 'latin1'), { indexes: ['accounts'] });
    await assert.rejects(accounts.verify('anna', PASSWORD), { code: 'SP_STATE_CORRUPT' }, text);
    await assert.rejects(accounts.put('anna', { password: PASSWORD }), { code: 'SP_STATE_CORRUPT' }, text);
    const logger = listeningLogger();
    const listed = await at({ store, notices }, logger).list();
    assert.deepEqual(
      listed.map(({ name }) => name),
      ['bert'],
    );
    assert.equal(logger.lines.length, 1);
  }
  assert.equal(await accounts.remove('anna'), true);
  await accounts.put('anna', { password: PASSWORD });
});

test('many accounts are listed in full, by name', async (t) => {
  const { accounts, store } = openAccounts(t);
  await accounts.put('u0000', { password: PASSWORD });
  const whole = Buffer.from((await store.records.get('account:u0000'))?.value ?? []).toString();
  for (let index = 1; index < 1_200; index += 1) {
    const name = `u${String(index).padStart(4, '0')}`;
    await store.records.put(`account:${name}`, Buffer.from(whole.replace('u0000', name)), {
      indexes: ['accounts'],
    });
  }
  const names = (await accounts.list()).map(({ name }) => name);
  assert.equal(names.length, 1_200);
  assert.deepEqual(names, [...names].sort());
});

test('those who ask the same at the same time share one hash, known or unknown', async (t) => {
  const { accounts } = openAccounts(t, { memoryKiB: 8_192, passes: 1, parallelism: 1 });
  await accounts.put('anna', { password: PASSWORD });
  for (const [name, answer] of [
    ['anna', 'anna'],
    ['nobody', undefined],
  ] as const) {
    // More than the pool lets wait: only shared checks can all be answered.
    const asked = Array.from({ length: 200 }, () => accounts.verify(name, PASSWORD));
    for (const account of await Promise.all(asked)) assert.equal(account?.name, answer);
  }
  const different = Array.from({ length: 200 }, (_, index) =>
    accounts.verify('nobody', `${PASSWORD}${index}`),
  );
  const refused = (await Promise.allSettled(different)).filter(({ status }) => status === 'rejected');
  assert.ok(refused.length > 100);
});
