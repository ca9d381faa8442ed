import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { BrowserJar, fieldOf } from '../support/browser-jar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let house: TestGateway;

before(async () => {
  house = await startTestGateway({
    yaml: `authenticate: { session: {}, apiKey: {} }
routes:
  - { host: localhost, upstream: "internal:whoami", allow: authenticated }
  - { host: localhost, path: /vault, upstream: "internal:whoami", allow: authenticated, secondFactor: required }
  - { host: localhost, path: /cors, upstream: "internal:whoami", allow: authenticated, cors: ["https://app.example.com"] }
`,
  });
  const put = await house.call('PUT', '/v1/users/alice', { password: 'correct horse', groups: ['staff'] });
  assert.equal(put.status, 200);
});

after(() => house.close());

async function signedIn(path = '/'): Promise<BrowserJar> {
  const jar = new BrowserJar(house);
  const page = await jar.open(path);
  const fields = { token: fieldOf(page.text, 'token'), return: fieldOf(page.text, 'return') };
  const answer = await jar.submit('/.sallyport/sign-in', {
    ...fields,
    user: 'alice',
    password: 'correct horse',
  });
  assert.equal(answer.status, 200, answer.text);
  return jar;
}

test('somebody unknown who opens a page signs in and arrives where they wanted to go', async () => {
  const jar = new BrowserJar(house);
  const page = await jar.open('/reports/today?view=all');
  assert.equal(page.status, 200);
  assert.match(page.text, /<h1>Sign in<\/h1>/);
  const fields = { token: fieldOf(page.text, 'token'), return: fieldOf(page.text, 'return') };
  assert.equal(fields.return, '/reports/today?view=all');
  const wrong = await jar.submit('/.sallyport/sign-in', { ...fields, user: 'alice', password: 'wrong' });
  assert.equal(wrong.status, 401);
  assert.match(wrong.text, /User name or password is wrong/);
  const right = await jar.submit('/.sallyport/sign-in', {
    ...fields,
    user: 'Alice',
    password: 'correct horse',
  });
  assert.equal(right.status, 200);
  assert.equal(right.path, '/reports/today?view=all');
  assert.equal(JSON.parse(right.text).user, 'alice');
});

test('a program gets problem+json with the address of the sign-in page, and no cookie', async () => {
  const jar = new BrowserJar(house);
  const answer = await jar.send('/api', {
    headers: { accept: 'application/json', 'sec-fetch-mode': 'cors' },
  });
  assert.equal(answer.status, 401);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  assert.equal(JSON.parse(answer.text).signIn, `${jar.origin}/.sallyport/sign-in?return=%2Fapi`);
  assert.equal(answer.headers['set-cookie'], undefined);
});

test('a page of an allowed origin may read the refusal and gets its preflight answered', async () => {
  const jar = new BrowserJar(house);
  const origin = 'https://app.example.com';
  const refusal = await jar.send('/cors', { headers: { origin, 'sec-fetch-mode': 'cors' } });
  assert.equal(refusal.headers['access-control-allow-origin'], origin);
  const preflight = await jar.send('/cors', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'PUT' },
  });
  assert.equal(preflight.status, 204);
  assert.equal(preflight.headers['access-control-allow-methods'], 'PUT');
  const foreign = await jar.send('/cors', {
    method: 'OPTIONS',
    headers: { origin: 'https://evil.example', 'access-control-request-method': 'PUT' },
  });
  assert.equal(foreign.status, 401);
  assert.equal(foreign.headers['access-control-allow-origin'], undefined);
});

test('signing out ends the session in every tab', async () => {
  const jar = await signedIn();
  const other = new BrowserJar(house);
  for (const [name, value] of jar.cookies) other.cookies.set(name, value);
  const page = await jar.open('/.sallyport/sign-out');
  const out = await jar.submit('/.sallyport/sign-out', { token: fieldOf(page.text, 'token') });
  assert.match(out.text, /You are signed out/);
  assert.equal(jar.cookies.has('__Host-sallyport'), false);
  assert.match((await other.open('/')).text, /<h1>Sign in<\/h1>/);
});

test('a tab with an old sign-in page just goes on when another tab has signed in', async () => {
  const jar = await signedIn();
  const late = await jar.open('/.sallyport/sign-in?return=%2Flate');
  assert.equal(late.path, '/late');
});

test('a user sees their sessions and ends another one', async () => {
  const first = await signedIn();
  const second = await signedIn();
  const page = await first.open('/.sallyport/account');
  assert.match(page.text, /this browser/);
  const token = fieldOf(page.text, 'token');
  const done = await first.submit('/.sallyport/account/sessions/end-others', { token });
  assert.match(done.text, /All other sessions are ended/);
  assert.match((await second.open('/')).text, /<h1>Sign in<\/h1>/);
  assert.equal((await first.open('/')).status, 200);
});

test('an app password is shown once and works until it is ended', async () => {
  const jar = await signedIn();
  const page = await jar.open('/.sallyport/account');
  const token = fieldOf(page.text, 'token');
  const made = await jar.submit('/.sallyport/account/keys', {
    token,
    name: 'backup',
    days: '7',
    methods: 'GET',
  });
  const key = /<code class="once"[^>]*>([^<]+)</.exec(made.text)?.[1] ?? '';
  assert.notEqual(key, '');
  assert.doesNotMatch((await jar.open(made.path)).text, /class="once"/);
  const curl = new BrowserJar(house);
  const headers = { authorization: `Bearer ${key}` };
  assert.equal(JSON.parse((await curl.send('/', { headers })).text).user, 'alice');
  const list = await jar.open('/.sallyport/account');
  assert.doesNotMatch(list.text, new RegExp(key));
  const id = /keys\/end">.*?name="id" value="([^"]+)"/s.exec(list.text)?.[1] ?? '';
  await jar.submit('/.sallyport/account/keys/end', { token: fieldOf(list.text, 'token'), id });
  assert.equal((await curl.send('/', { headers })).status, 401);
});

test('a form that was sent after the session had ended is sent again only after a click', async () => {
  const jar = new BrowserJar(house);
  const asked = await jar.submit('/orders?draft=1', { item: 'rope', note: 'long' });
  assert.match(asked.text, /<h1>Sign in<\/h1>/);
  const fields = { token: fieldOf(asked.text, 'token'), return: fieldOf(asked.text, 'return') };
  const page = await jar.submit('/.sallyport/sign-in', {
    ...fields,
    user: 'alice',
    password: 'correct horse',
  });
  assert.match(page.text, /Send what you entered\?/);
  assert.match(page.text, /\/orders\?draft=1/);
  const again = { token: fieldOf(page.text, 'token'), form: fieldOf(page.text, 'form') };
  const sent = await jar.submit('/.sallyport/resume', again);
  assert.equal(sent.status, 200, sent.text);
  const seen = JSON.parse(sent.text);
  assert.deepEqual([seen.method, seen.path, seen.query, seen.bodyBytes], ['POST', '/orders', '?draft=1', 19]);
  assert.match((await jar.submit('/.sallyport/resume', again)).text, /Nothing is kept/);
});

test('a route that asks for a second factor leads to setting one up, and the session gets in with it', async () => {
  const jar = await signedIn();
  const none = await jar.open('/vault');
  assert.match(none.text, /you have not set one up yet/);
});
