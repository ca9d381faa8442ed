import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BrowserJar, fieldOf, type JarAnswer } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let house: TestGateway;
const ALICE = { user: 'alice', password: 'correct horse' };

before(async () => {
  house = await startTestGateway({
    yaml: 'authenticate: { session: {} }\nroutes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]\n',
  });
  await house.call('PUT', '/v1/users/alice', { password: ALICE.password });
});

after(() => house.close());

async function form(): Promise<{ jar: BrowserJar; token: string }> {
  const jar = new BrowserJar(house);
  return { jar, token: fieldOf((await jar.open('/.sallyport/sign-in')).text, 'token') };
}

/** Sends a form as a browser does that knows neither Fetch Metadata nor `Origin`. */
function silent(jar: BrowserJar, path: string, fields: Readonly<Record<string, string>>): Promise<JarAnswer> {
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  return jar.send(path, { method: 'POST', headers, body: new URLSearchParams(fields).toString() });
}

test('where the browser does not say who sent it, the form of one browser is refused in another', async () => {
  const { token } = await form();
  const { jar: victim } = await form();
  const answer = await silent(victim, '/.sallyport/sign-in', { ...ALICE, token });
  assert.equal(answer.status, 403);
  assert.equal(victim.cookies.has('__Host-sallyport'), false);
});

for (const [name, headers] of Object.entries({
  'another site': { 'sec-fetch-site': 'cross-site' },
  'a sibling host': { 'sec-fetch-site': 'same-site' },
  'a foreign origin': { origin: 'https://evil.example' },
  'an origin of another port': { origin: 'https://localhost:1' },
})) {
  test(`a form with the right token is refused when it comes from ${name}`, async () => {
    const { jar, token } = await form();
    const answer = await jar.post('/.sallyport/sign-in', { ...ALICE, token }, headers);
    assert.equal(answer.status, 403);
    assert.equal(answer.headers['set-cookie'], undefined);
  });
}

test('without the cookie the page says that cookies are needed', async () => {
  const { jar, token } = await form();
  jar.cookies.clear();
  const answer = await jar.post('/.sallyport/sign-in', { ...ALICE, token });
  assert.equal(answer.status, 400);
  assert.match(answer.text, /SP_SIGN_IN_NO_COOKIE/);
});

test('the token of the sign-in page is none of the account page', async () => {
  const { jar, token } = await form();
  await jar.submit('/.sallyport/sign-in', { ...ALICE, token });
  assert.equal((await silent(jar, '/.sallyport/account/sessions/end-others', { token })).status, 403);
});

test('a form that another site sent is not kept to be sent again', async () => {
  const jar = new BrowserJar(house);
  const answer = await jar.post(
    '/orders',
    { item: 'x' },
    { 'sec-fetch-site': 'cross-site', origin: 'https://evil.example' },
  );
  assert.equal(answer.status, 401);
  assert.equal(answer.headers['set-cookie'], undefined);
});
