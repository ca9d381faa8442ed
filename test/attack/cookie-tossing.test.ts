import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BrowserJar, fieldOf, PAGE } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let house: TestGateway;
const COOKIE = '__Host-sallyport';

before(async () => {
  house = await startTestGateway({
    yaml: 'authenticate: { session: {} }\nroutes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]\n',
  });
  for (const user of ['alice', 'mallory'])
    await house.call('PUT', `/v1/users/${user}`, { password: 'correct horse' });
});

after(() => house.close());

async function secretOf(user: string): Promise<string> {
  const jar = new BrowserJar(house);
  const token = fieldOf((await jar.open('/.sallyport/sign-in')).text, 'token');
  await jar.submit('/.sallyport/sign-in', { user, password: 'correct horse', token });
  return jar.cookies.get(COOKIE) ?? '';
}

function bring(...secrets: readonly string[]): { readonly cookie: string } {
  return { cookie: secrets.map((secret) => `${COOKIE}=${secret}`).join('; ') };
}

test('two live sessions at once are refused in either order', async () => {
  const [alice, mallory] = [await secretOf('alice'), await secretOf('mallory')];
  const jar = new BrowserJar(house);
  assert.equal((await jar.send('/', { headers: bring(alice, mallory) })).status, 401);
  assert.equal((await jar.send('/', { headers: bring(mallory, alice) })).status, 401);
});

test('a dead cookie beside a live one does not keep its owner out', async () => {
  const alice = await secretOf('alice');
  const jar = new BrowserJar(house);
  for (const headers of [bring('B'.repeat(43), alice), bring(alice, 'B'.repeat(43))]) {
    assert.equal((await jar.send('/', { headers })).status, 200);
  }
});

test('the account page of two sessions at once is nobody’s', async () => {
  const headers = { ...PAGE, ...bring(await secretOf('alice'), await secretOf('mallory')) };
  const page = await new BrowserJar(house).send('/.sallyport/account', { headers });
  assert.doesNotMatch(page.text, /alice|mallory/);
});

test('two form cookies at once count for none', async () => {
  const jar = new BrowserJar(house);
  const token = fieldOf((await jar.open('/.sallyport/sign-in')).text, 'token');
  const own = jar.cookies.get('__Host-sallyport-form') ?? '';
  const cookie = `__Host-sallyport-form=${'C'.repeat(43)}; __Host-sallyport-form=${own}`;
  const answer = await jar.post(
    '/.sallyport/sign-in',
    { user: 'alice', password: 'correct horse', token },
    { cookie },
  );
  assert.equal(answer.status, 400);
});
