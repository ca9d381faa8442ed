import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../support/cellar.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { HostBrowser } from '../support/host-browser.ts';
import {
  CLIENT_SECRET,
  PersonAtProvider,
  type RealProvider,
  startRealProvider,
} from '../support/real-provider.ts';

const HOST = 'app.localhost';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

interface Place {
  readonly gateway: TestGateway;
  readonly provider: RealProvider;
}

async function open(t: TestContext, { isAway = false, refresh = '5m' } = {}): Promise<Place> {
  const gateways: TestGateway[] = [];
  const provider = await startRealProvider(t, {
    authorities: [HOST],
    async post(url, body) {
      const [gateway] = gateways;
      if (gateway === undefined) return 503;
      const { status } = await new HostBrowser(gateway, HOST).send('POST', new URL(url).pathname, FORM, body);
      return status;
    },
  });
  provider.users.set('alice', { email: 'alice@corp.test', emailVerified: true, groups: ['ops'] });
  provider.goAway(isAway);
  const gateway = await startTestGateway({
    yaml: `authenticate:
  session: {}
  oidc:
    - { name: corp, issuer: "${provider.issuer}", clientId: sallyport, clientSecret: { env: CORP }, ca: "${provider.caFile}", displayName: Example Corp, refresh: ${refresh}, scopes: [openid, email, profile, offline_access] }
routes:
  - { host: ${HOST}, upstream: "internal:whoami", accept: [oidc], allow: { groups: [ops] } }
`,
    env: { CORP: CLIENT_SECRET },
  });
  gateways.push(gateway);
  t.after(() => gateway.close());
  return { gateway, provider };
}

/** Goes to a protected page and through the provider back to it. */
async function signIn(browser: HostBrowser, person: PersonAtProvider, path: string) {
  const page = await browser.follow(path);
  assert.match(page.text, /Example Corp/);
  const [way = ''] = /\/\.sallyport\/provider\/[^"]+/.exec(page.text) ?? [];
  const leaving = await browser.open(way.replaceAll('&amp;', '&'));
  assert.equal(leaving.status, 303);
  const back = await person.visit(leaving.location ?? '');
  return browser.follow(back.pathname + back.search);
}

test('a person comes to a protected page, signs in at the provider, and is back on it', async (t) => {
  const { gateway, provider } = await open(t);
  const browser = new HostBrowser(gateway, HOST);
  const answer = await signIn(browser, new PersonAtProvider(provider, 'alice'), '/dash?x=1');
  assert.equal(answer.status, 200);
  assert.equal(JSON.parse(answer.text).user, 'alice');
  assert.deepEqual(
    [...browser.cookies.keys()].filter((name) => name.includes('flow')),
    [],
  );
  assert.equal((await browser.open('/')).status, 200);
});

test('signing out at the provider ends the session behind the gateway within a second', async (t) => {
  const { gateway, provider } = await open(t);
  const browser = new HostBrowser(gateway, HOST);
  const person = new PersonAtProvider(provider, 'alice');
  await signIn(browser, person, '/');
  const end = new URL(`${provider.issuer}/session/end`);
  end.search = new URLSearchParams({ client_id: 'sallyport' }).toString();
  await person.visit(end.href).catch(() => {});
  await until(async () => (await browser.open('/')).status === 303);
});

test('who signs in again while a session lives is signed out with the newer session at the provider', async (t) => {
  const { gateway, provider } = await open(t);
  const browser = new HostBrowser(gateway, HOST);
  await signIn(browser, new PersonAtProvider(provider, 'alice'), '/');
  const again = new PersonAtProvider(provider, 'alice');
  const leaving = await browser.open('/.sallyport/provider/corp?return=/');
  const back = await again.visit(leaving.location ?? '');
  assert.equal((await browser.follow(back.pathname + back.search)).status, 200);
  const end = new URL(`${provider.issuer}/session/end`);
  end.search = new URLSearchParams({ client_id: 'sallyport' }).toString();
  await again.visit(end.href).catch(() => {});
  await until(async () => (await browser.open('/')).status === 303);
});

test('a provider signs nobody in under the name of an account', async (t) => {
  const { gateway, provider } = await open(t);
  await gateway.call('PUT', '/v1/users/alice', { password: 'correct horse battery', groups: [] });
  const browser = new HostBrowser(gateway, HOST);
  const answer = await signIn(browser, new PersonAtProvider(provider, 'alice'), '/');
  assert.equal(answer.status, 400);
  assert.equal(browser.cookies.has('__Host-sallyport'), false);
});

test('a program gets a refusal that it can read, and no cookie of a sign-in', async (t) => {
  const { gateway } = await open(t);
  const browser = new HostBrowser(gateway, HOST);
  const headers = { accept: 'application/json', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' };
  const answer = await browser.send('GET', '/api', headers);
  assert.equal(answer.status, 401);
  assert.equal(answer.headers['set-cookie'], undefined);
});

test('a callback that nobody began leads to the sign-in, or on where a session lives', async (t) => {
  const { gateway, provider } = await open(t);
  const browser = new HostBrowser(gateway, HOST);
  const stale = '/.sallyport/callback/corp?code=x&state=unknown';
  assert.match((await browser.open(stale)).location ?? '', /\/\.sallyport\/sign-in/);
  await signIn(browser, new PersonAtProvider(provider, 'alice'), '/');
  assert.equal((await browser.follow(stale)).status, 200);
});

test('a gateway starts without its provider, says so on the page, and goes on when it comes', async (t) => {
  const { gateway, provider } = await open(t, { isAway: true });
  const browser = new HostBrowser(gateway, HOST);
  const refused = await browser.open('/.sallyport/provider/corp');
  assert.equal(refused.status, 503);
  assert.match(refused.text, /SP_SIGN_IN_PROVIDER|provider cannot be used/);
  provider.goAway(false);
  await until(async () => (await browser.open('/.sallyport/provider/corp')).status === 303);
});

test('a group that the provider took away closes the door, without a new sign-in', async (t) => {
  const { gateway, provider } = await open(t, { refresh: '1s' });
  const browser = new HostBrowser(gateway, HOST);
  await signIn(browser, new PersonAtProvider(provider, 'alice'), '/');
  provider.users.set('alice', { email: 'alice@corp.test', emailVerified: true, groups: ['staff'] });
  await sleep(1_000);
  await until(async () => (await browser.open('/')).status === 403);
  assert.equal((await browser.open('/')).status, 403);
});

test('who is signed in goes on while the provider is away, also over a reload', async (t) => {
  const { gateway, provider } = await open(t);
  const browser = new HostBrowser(gateway, HOST);
  await signIn(browser, new PersonAtProvider(provider, 'alice'), '/');
  provider.goAway(true);
  assert.equal((await browser.open('/')).status, 200);
  await gateway.gateway.reload();
  assert.equal((await browser.open('/')).status, 200);
});

test('no token, code or client secret reaches the log', async (t) => {
  const { gateway, provider } = await open(t);
  const browser = new HostBrowser(gateway, HOST);
  await signIn(browser, new PersonAtProvider(provider, 'alice'), '/');
  await browser.open('/.sallyport/callback/corp?code=canary-code&state=canary-state&error=canary-error');
  provider.goAway(true);
  await browser.open('/.sallyport/provider/corp');
  const log = JSON.stringify(await gateway.log());
  const [, secret = 'none'] = [...browser.cookies].find(([name]) => name === '__Host-sallyport') ?? [];
  for (const word of ['canary', 'eyJ', CLIENT_SECRET, secret]) assert.ok(!log.includes(word), word);
});
