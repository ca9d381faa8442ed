import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { listeningLogger } from '../../../support/cellar.ts';
import { type Answer, metadata, startLyingProvider } from '../../../support/lying-provider.ts';
import { cookieOf, openOidcHouse, providerConfig } from '../../../support/oidc-house.ts';
import { startRealProvider } from '../../../support/real-provider.ts';

const order = {
  provider: 'corp',
  authority: 'app.test',
  returnTo: '/',
  session: undefined,
  cookie: undefined,
  address: '192.0.2.1',
};
const DISCOVERY = '/.well-known/openid-configuration';

async function open(t: TestContext, answers: Readonly<Record<string, Answer>> = {}) {
  const liar = await startLyingProvider(t);
  for (const [path, answer] of Object.entries(answers)) liar.answers.set(path, answer);
  const logger = listeningLogger();
  const configs = [providerConfig({ issuer: liar.issuer })];
  const house = await openOidcHouse(t, { configs, logger, timeoutMs: 200, retryMs: 50 });
  const arrive = async () => {
    const begun = await house.oidc.begin(order);
    const query = liar.authorize(begun.location);
    return house.oidc.finish({ ...order, query, cookie: cookieOf(begun.setCookies) });
  };
  return { liar, house, logger, arrive };
}

const html: Answer = { status: 200, text: '<html>Welcome</html>', type: 'text/html' };
const broken: Answer = { status: 200, text: '{"issuer":', type: 'application/json' };
const down: Answer = { status: 502, text: 'bad gateway', type: 'text/plain' };
const away: Answer = { status: 302, text: '', type: 'text/plain' };
const long: Answer = { status: 200, text: ' '.repeat(600_000), type: 'application/json' };

const DISCOVERY_TROUBLE: readonly (readonly [string, string, (issuer: string) => Answer])[] = [
  ['is down', 'provider-status', () => down],
  ['sends elsewhere', 'provider-status', () => away],
  ['is slow', 'provider-slow', () => 'silence'],
  ['answers with a page', 'provider-garbage', () => html],
  ['answers with half a document', 'provider-garbage', () => broken],
  ['answers without end', 'provider-garbage', () => long],
  [
    'is another issuer',
    'provider-other-issuer',
    (issuer) => ({ ...metadata(issuer), issuer: 'https://evil.test' }),
  ],
  [
    'has no token endpoint',
    'provider-garbage',
    (issuer) => ({ ...metadata(issuer), token_endpoint: undefined }),
  ],
  [
    'signs with nothing that counts',
    'provider-garbage',
    (issuer) => ({ ...metadata(issuer), id_token_signing_alg_values_supported: ['none', 'HS256'] }),
  ],
];

for (const [name, reason, answer] of DISCOVERY_TROUBLE) {
  test(`a provider that ${name} at discovery is told apart`, async (t) => {
    const liar = await startLyingProvider(t);
    liar.answers.set(DISCOVERY, answer(liar.issuer));
    const configs = [providerConfig({ issuer: liar.issuer })];
    const house = await openOidcHouse(t, { configs, timeoutMs: 200, retryMs: 50 });
    await assert.rejects(house.oidc.begin(order), { code: 'SP_SIGN_IN_PROVIDER', status: 503, reason });
  });
}

test('a provider that nobody answers for does not keep the gateway from starting, and is found when it comes', async (t) => {
  const { liar, house, logger } = await open(t, { [DISCOVERY]: down });
  await assert.rejects(house.oidc.begin(order), { reason: 'provider-status' });
  liar.answers.delete(DISCOVERY);
  await sleep(400);
  assert.ok((await house.oidc.begin(order)).location.startsWith(`${liar.issuer}/authorize?`));
  assert.ok(logger.lines.some((line) => line.startsWith('warn a provider could not be discovered')));
  assert.ok(logger.lines.some((line) => line.startsWith('info a provider was discovered')));
});

test('a port where nobody listens is unreachable', async (t) => {
  const configs = [providerConfig({ issuer: 'http://127.0.0.1:1' })];
  const house = await openOidcHouse(t, { configs, retryMs: 50 });
  await assert.rejects(house.oidc.begin(order), {
    code: 'SP_SIGN_IN_PROVIDER',
    reason: 'provider-unreachable',
  });
});

test('a certificate of an unknown authority is not trusted', async (t) => {
  const provider = await startRealProvider(t, { authorities: ['app.test'] });
  const house = await openOidcHouse(t, { configs: [providerConfig({ issuer: provider.issuer })] });
  await assert.rejects(house.oidc.begin(order), {
    code: 'SP_SIGN_IN_PROVIDER',
    reason: 'provider-certificate',
  });
});

const TOKEN_TROUBLE: readonly (readonly [string, string, Answer])[] = [
  ['is down', 'provider-status', down],
  ['is slow', 'provider-slow', 'silence'],
  ['answers with a page', 'provider-garbage', html],
  ['answers with half a document', 'provider-garbage', broken],
  ['gives no ID token', 'provider-garbage', { access_token: 'at', token_type: 'Bearer' }],
  ['does not know us', 'provider-refuses-us', { status: 401, text: '{"error":"invalid_client"}' }],
];

for (const [name, reason, answer] of TOKEN_TROUBLE) {
  test(`a token endpoint that ${name} is told apart`, async (t) => {
    const { arrive } = await open(t, { '/token': answer });
    await assert.rejects(arrive(), { code: 'SP_SIGN_IN_PROVIDER', reason });
  });
}

test('a code that the provider refuses is a refused sign-in, not a broken provider', async (t) => {
  const { arrive } = await open(t, { '/token': { status: 400, text: '{"error":"invalid_grant"}' } });
  await assert.rejects(arrive(), { code: 'SP_SIGN_IN_FLOW', reason: 'code-refused' });
});

for (const [name, answer] of [
  ['down', down],
  ['slow', 'silence'],
  ['a page', html],
  ['half a document', broken],
  ['no key set', { keys: 'none' }],
] as const) {
  test(`keys that are ${name} sign nobody in`, async (t) => {
    const { arrive } = await open(t, { '/jwks': answer });
    await assert.rejects(arrive(), { code: 'SP_SIGN_IN_PROVIDER', reason: 'provider-keys' });
  });
}

test('keys that were fetched before their endpoint went down are good', async (t) => {
  const { arrive, liar } = await open(t);
  assert.equal((await arrive()).kind, 'signed-in');
  liar.answers.set('/jwks', down).set(DISCOVERY, down);
  assert.equal((await arrive()).kind, 'signed-in');
});

test('tokens with unknown key ids do not make us flood the provider', async (t) => {
  const { arrive, liar } = await open(t);
  liar.idToken = (claims) => liar.jwt(claims, { kid: `unknown-${Math.random()}` });
  for (let i = 0; i < 5; i++) await assert.rejects(arrive(), { reason: 'wrong-signature' });
  assert.equal(liar.calls.filter((path) => path === '/jwks').length, 1);
});
