import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { codeOf, openFactors } from './open-factors.ts';

const anna = { user: 'anna', account: 'anna' };
const attempt = { user: 'anna', address: '192.0.2.1' };

async function enrolled(t: TestContext) {
  const house = openFactors(t);
  const { factors, clock, advance } = house;
  const { id, secret, uri } = await factors.codes.begin(anna, 'Phone');
  const done = await factors.codes.confirm(attempt, id, codeOf(secret, clock()));
  assert.ok(done !== undefined);
  advance(30_000);
  return { ...house, id, secret, uri, recoveryCodes: done.recoveryCodes ?? [] };
}

test('an app counts only after it has shown a right code', async (t) => {
  const { factors, clock } = openFactors(t);
  const { id, secret } = await factors.codes.begin(anna, 'Phone');
  assert.deepEqual((await factors.list('anna')).totp, []);
  assert.equal(await factors.codes.verify(attempt, codeOf(secret, clock())), undefined);
  assert.equal(await factors.codes.confirm(attempt, id, '000000'), undefined);
  const done = await factors.codes.confirm(attempt, id, codeOf(secret, clock()));
  assert.equal(done?.factor.name, 'Phone');
  assert.equal(done?.recoveryCodes?.length, 10);
  assert.deepEqual(
    (await factors.list('anna')).totp.map(({ name }) => name),
    ['Phone'],
  );
});

test('an app that takes more than ten minutes for its first code is forgotten', async (t) => {
  const { factors, clock, advance } = openFactors(t);
  const { id, secret } = await factors.codes.begin(anna, 'Phone');
  advance(10 * 60_000);
  assert.equal(await factors.codes.confirm(attempt, id, codeOf(secret, clock())), undefined);
});

test('a code counts once, also when two processes get it at the same moment', async (t) => {
  const { factors, elsewhere, clock, secret } = await enrolled(t);
  const code = codeOf(secret, clock());
  const other = await elsewhere();
  const verdicts = await Promise.all([
    factors.codes.verify(attempt, code),
    other.codes.verify({ ...attempt, address: '192.0.2.2' }, code),
  ]);
  assert.deepEqual(verdicts.toSorted(), ['totp', undefined]);
  assert.equal(await factors.codes.verify(attempt, code), undefined);
});

test('the code by which an app was added is used up', async (t) => {
  const { factors, clock } = openFactors(t);
  const { id, secret } = await factors.codes.begin(anna, 'Phone');
  const code = codeOf(secret, clock());
  await factors.codes.confirm(attempt, id, code);
  assert.equal(await factors.codes.verify(attempt, code), undefined);
});

test('a recovery code counts once, in any case and with or without dashes', async (t) => {
  const { factors, recoveryCodes } = await enrolled(t);
  const [first = '', second = ''] = recoveryCodes;
  assert.match(first, /^[a-z2-7]{4}(-[a-z2-7]{4}){3}$/);
  assert.equal(await factors.codes.verify(attempt, first.toUpperCase()), 'recovery');
  assert.equal(await factors.codes.verify(attempt, first), undefined);
  assert.equal(await factors.codes.verify(attempt, second.replaceAll('-', '')), 'recovery');
  assert.equal((await factors.list('anna')).recoveryCodesLeft, 8);
});

test('new recovery codes end the former ones, and are not given to who has no factor', async (t) => {
  const { factors, recoveryCodes } = await enrolled(t);
  const fresh = await factors.codes.newRecoveryCodes('anna');
  assert.equal(await factors.codes.verify(attempt, recoveryCodes[0] ?? ''), undefined);
  assert.equal(await factors.codes.verify(attempt, fresh?.[0] ?? ''), 'recovery');
  assert.equal(await factors.codes.newRecoveryCodes('bob'), undefined);
});

test('wrong codes are counted, and a right one among many does not count', async (t) => {
  const { factors, clock, secret } = await enrolled(t);
  const wrong = Array.from({ length: 12 }, (_, i) => String(i).padStart(6, '9'));
  const far = { ...attempt, address: '198.51.100.1' };
  for (const code of wrong) await factors.codes.verify(far, code).catch(() => undefined);
  const failure = await factors.codes.verify(far, codeOf(secret, clock())).catch((error: unknown) => error);
  assert.equal(Object(failure).code, 'SP_AUTHENTICATE_THROTTLED');
  assert.equal(Object(failure).headers[0], 'retry-after');
  assert.equal(
    await factors.codes.verify(attempt, codeOf(secret, clock())),
    'totp',
    'she is known at her address',
  );
});

test('the state shows neither secrets nor who has a factor', async (t) => {
  const { folder, secret, recoveryCodes, uri, store } = await enrolled(t);
  await store.close();
  const written = readFileSync(join(folder, 'state.db'), 'latin1');
  for (const canary of [secret, secret.toUpperCase(), uri, ...recoveryCodes, 'anna', 'Phone']) {
    assert.ok(!written.includes(canary), canary);
  }
});

test('the second factors of a user are named, removed and reset', async (t) => {
  const { factors, id, clock, secret } = await enrolled(t);
  assert.equal(await factors.rename('anna', id, '  Old phone '), true);
  assert.equal((await factors.list('anna')).totp[0]?.name, 'Old phone');
  assert.equal(await factors.rename('bob', id, 'x'), false);
  await assert.rejects(factors.rename('anna', id, '\u0007'), { code: 'SP_ADMIN_BAD_REQUEST' });
  assert.equal(await factors.remove('bob', id), false);
  assert.equal(await factors.remove('anna', id), true);
  assert.equal((await factors.list('anna')).recoveryCodesLeft, 0, 'codes go with the last factor');
  assert.equal(await factors.codes.verify(attempt, codeOf(secret, clock())), undefined);
  assert.equal(await factors.reset('anna'), true);
  assert.equal(await factors.reset('anna'), false);
});

test('somebody of another origin adds nothing under the name of an account', async (t) => {
  const { factors } = await enrolled(t);
  const foreign = { user: 'anna', account: undefined };
  await assert.rejects(factors.codes.begin(foreign, 'Mine'), { reason: 'name-of-another' });
  const site = { rpId: 'a.example.com', origin: 'https://a.example.com' };
  await assert.rejects(factors.passkeys.beginAdd(foreign, site, 'Mine'), { reason: 'name-of-another' });
});
