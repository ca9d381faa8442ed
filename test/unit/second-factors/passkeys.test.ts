import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { openFactors } from './open-factors.ts';
import { type Lies, SoftwareKey } from './software-key.ts';

const anna = { user: 'anna', account: 'anna' };
const address = '192.0.2.1';
const attempt = { user: 'anna', address };
const site = { rpId: 'a.example.com', origin: 'https://a.example.com:8443' };
const other = { rpId: 'b.example.com', origin: 'https://b.example.com' };

async function enrolled(t: TestContext) {
  const house = openFactors(t);
  const { passkeys } = house.factors;
  const key = new SoftwareKey();
  const done = await passkeys.finishAdd(
    'anna',
    site,
    key.create(await passkeys.beginAdd(anna, site, 'Laptop'), site.origin),
  );
  assert.ok(done !== undefined);
  const signIn = async (lies: Lies = {}, at = site) => {
    const options = await passkeys.beginUse(at, undefined);
    assert.ok(options !== undefined);
    return passkeys.signIn(address, at, key.get(options, at.origin, lies));
  };
  return { ...house, passkeys, key, done, signIn };
}

test('a passkey is added, listed, and signs its user in alone', async (t) => {
  const { factors, done, signIn } = await enrolled(t);
  assert.equal(done.recoveryCodes?.length, 10);
  const [listed] = (await factors.list('anna')).passkeys;
  assert.deepEqual([listed?.name, listed?.rpId, listed?.backedUp], ['Laptop', 'a.example.com', false]);
  assert.deepEqual(await signIn(), anna);
  assert.ok((await factors.list('anna')).passkeys[0]?.lastUsedSec !== undefined);
});

test('a passkey steps up its own user and nobody else', async (t) => {
  const { passkeys, key } = await enrolled(t);
  const options = await passkeys.beginUse(site, 'anna');
  assert.deepEqual(
    options?.allowCredentials?.map(({ id }) => id),
    [key.id],
  );
  assert.equal(options?.userVerification, 'required');
  assert.equal(await passkeys.beginUse(site, 'bob'), undefined);
  assert.equal(await passkeys.beginUse(other, 'anna'), undefined, 'it works at its own host only');
  if (options === undefined) return;
  const bob = { user: 'bob', address };
  assert.equal(await passkeys.stepUp(bob, site, key.get(options, site.origin)), false);
  const again = await passkeys.beginUse(site, 'anna');
  assert.ok(again !== undefined);
  assert.equal(await passkeys.stepUp(attempt, site, key.get(again, site.origin)), true);
});

test('an answer counts once', async (t) => {
  const { passkeys, key } = await enrolled(t);
  const options = await passkeys.beginUse(site, undefined);
  assert.ok(options !== undefined);
  const answer = key.get(options, site.origin);
  assert.deepEqual(await passkeys.signIn(address, site, answer), anna);
  assert.equal(await passkeys.signIn(address, site, answer), undefined);
});

test('an answer that is late is not accepted', async (t) => {
  const { passkeys, key, advance } = await enrolled(t);
  const options = await passkeys.beginUse(site, undefined);
  assert.ok(options !== undefined);
  advance(5 * 60_000);
  assert.equal(await passkeys.signIn(address, site, key.get(options, site.origin)), undefined);
});

const LIES: Readonly<Record<string, Lies>> = {
  'another origin': { origin: 'https://evil.example.com' },
  'another port of the host': { origin: 'https://a.example.com' },
  'another host': { rpId: 'b.example.com' },
  'a challenge of its own': { challenge: 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' },
  'an unverified user': { verified: false },
  'another ceremony': { type: 'webauthn.create' },
  'the handle of somebody else': { userHandle: 'AAAA' },
  'no handle': { userHandle: undefined },
};
for (const [name, lies] of Object.entries(LIES)) {
  test(`a sign-in with ${name} is refused`, async (t) => {
    const { signIn } = await enrolled(t);
    assert.equal(await signIn(lies), undefined);
    assert.deepEqual(await signIn(), anna, 'the passkey itself is still good');
  });
}

test('a counter that does not grow tells of a copy and is refused', async (t) => {
  const { signIn } = await enrolled(t);
  await signIn({ counter: 10 });
  assert.equal(await signIn({ counter: 10 }), undefined);
  assert.equal(await signIn({ counter: 9 }), undefined);
  assert.deepEqual(await signIn({ counter: 11 }), anna);
});

test('a challenge of one purpose serves no other', async (t) => {
  const { passkeys, key } = await enrolled(t);
  const stepUp = await passkeys.beginUse(site, 'anna');
  const signIn = await passkeys.beginUse(site, undefined);
  assert.ok(stepUp !== undefined && signIn !== undefined);
  assert.equal(await passkeys.signIn(address, site, key.get(stepUp, site.origin)), undefined);
  assert.equal(await passkeys.stepUp(attempt, site, key.get(signIn, site.origin)), false);
});

test('a registration for somebody else, from elsewhere or without verification is refused', async (t) => {
  const { factors } = openFactors(t);
  const { passkeys } = factors;
  const begin = () => passkeys.beginAdd(anna, site, 'Laptop');
  const make = async (lies: Lies) => new SoftwareKey().create(await begin(), site.origin, lies);
  assert.equal(await passkeys.finishAdd('bob', site, await make({})), undefined);
  assert.equal(await passkeys.finishAdd('anna', other, await make({})), undefined);
  assert.equal(await passkeys.finishAdd('anna', site, await make({ origin: other.origin })), undefined);
  assert.equal(await passkeys.finishAdd('anna', site, await make({ verified: false })), undefined);
  for (const odd of [
    undefined,
    null,
    {},
    [],
    'x',
    { type: 'public-key', id: 'a', rawId: 'b', response: {} },
  ]) {
    assert.equal(await passkeys.finishAdd('anna', site, odd), undefined);
  }
  assert.deepEqual((await factors.list('anna')).passkeys, []);
});

test('a credential that somebody has is given to nobody else', async (t) => {
  const { passkeys, key, factors } = await enrolled(t);
  const options = await passkeys.beginAdd({ user: 'bob', account: 'bob' }, site, 'Mine');
  assert.equal(await passkeys.finishAdd('bob', site, key.create(options, site.origin)), undefined);
  assert.deepEqual((await factors.list('bob')).passkeys, []);
});

test('a passkey that was removed signs nobody in', async (t) => {
  const { factors, key, signIn } = await enrolled(t);
  assert.equal(await factors.remove('bob', key.id), false);
  assert.deepEqual(await signIn(), anna, 'nobody else removes it');
  assert.equal(await factors.remove('anna', key.id), true);
  assert.equal(await signIn(), undefined);
});
