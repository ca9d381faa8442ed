import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BrowserJar, fieldOf } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let house: TestGateway;
const COOKIE = '__Host-sallyport';
const ALICE = { user: 'alice', password: 'correct horse' };

before(async () => {
  house = await startTestGateway({
    yaml: 'authenticate: { session: {} }\nroutes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]\n',
  });
  for (const user of ['alice', 'mallory'])
    await house.call('PUT', `/v1/users/${user}`, { password: ALICE.password });
});

after(() => house.close());

async function signIn(jar: BrowserJar, user: string): Promise<string> {
  const asks = await jar.send('/.sallyport/sign-in?return=%2F.sallyport%2Faccount&again=1', {
    headers: { accept: 'text/html' },
  });
  const token = fieldOf(asks.text, 'token') || (await tokenOf(jar));
  await jar.submit('/.sallyport/sign-in', { user, password: ALICE.password, token });
  return jar.cookies.get(COOKIE) ?? '';
}

/** A page with a form for who is signed in already. */
async function tokenOf(jar: BrowserJar): Promise<string> {
  return fieldOf((await jar.open('/.sallyport/sign-out')).text, 'token');
}

test('a cookie that was planted before the sign-in is not the session afterwards', async () => {
  const jar = new BrowserJar(house);
  const planted = 'A'.repeat(43);
  jar.cookies.set(COOKIE, planted);
  const secret = await signIn(jar, 'alice');
  assert.match(secret, /^[\w-]{43}$/);
  assert.notEqual(secret, planted);
});

test('proving anew who one is gives another cookie, and the former one ends', async () => {
  const jar = new BrowserJar(house);
  const first = await signIn(jar, 'alice');
  const second = await signIn(jar, 'alice');
  assert.notEqual(second, first);
  const thief = new BrowserJar(house);
  thief.cookies.set(COOKIE, first);
  assert.equal((await thief.send('/')).status, 401);
  assert.equal((await jar.send('/')).status, 200);
});

test('a session that somebody else planted ends when its browser signs in', async () => {
  const mallory = new BrowserJar(house);
  const planted = await signIn(mallory, 'mallory');
  const victim = new BrowserJar(house);
  victim.cookies.set(COOKIE, planted);
  await signIn(victim, 'alice');
  assert.equal((await mallory.send('/')).status, 401);
  assert.equal(JSON.parse((await victim.send('/')).text).user, 'alice');
});
