import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import type { OidcProviderConfig } from '../../../../src/config/config.ts';
import { type LyingProvider, makeJwt, startLyingProvider } from '../../../support/lying-provider.ts';
import { cookieOf, openOidcHouse, providerConfig } from '../../../support/oidc-house.ts';
import { CLIENT_SECRET } from '../../../support/real-provider.ts';

const order = {
  provider: 'corp',
  authority: 'app.test',
  returnTo: '/x',
  session: undefined,
  cookie: undefined,
  address: '192.0.2.1',
};

async function open(t: TestContext, change: Partial<OidcProviderConfig> = {}) {
  const liar = await startLyingProvider(t);
  const house = await openOidcHouse(t, {
    configs: [
      providerConfig({ issuer: liar.issuer, allowedEmailDomains: ['corp.test'], ...change }),
      providerConfig({ name: 'other', issuer: liar.issuer }),
    ],
    timeoutMs: 300,
  });
  const arrive = async (query?: (honest: URLSearchParams) => URLSearchParams | undefined) => {
    const begun = await house.oidc.begin(order);
    const honest = liar.authorize(begun.location);
    const cookie = cookieOf(begun.setCookies);
    return house.oidc.finish({ ...order, query: query?.(honest) ?? honest, cookie });
  };
  return { liar, house, arrive };
}

type Lie = (liar: LyingProvider) => void;

const now = () => Math.floor(Date.now() / 1000);
const claims =
  (change: Record<string, unknown>): Lie =>
  (liar) => {
    liar.claims = change;
  };
const token =
  (make: (liar: LyingProvider, honest: Record<string, unknown>) => string): Lie =>
  (liar) => {
    liar.idToken = (honest) => make(liar, honest);
  };
const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;

const TOKEN_LIES: readonly (readonly [name: string, reason: string, lie: Lie])[] = [
  ['an ID token of another issuer', 'wrong-issuer', claims({ iss: 'https://evil.test' })],
  ['an ID token for another client', 'wrong-audience', claims({ aud: 'grafana' })],
  [
    'an ID token for us and somebody else who asked for it',
    'wrong-audience',
    claims({ aud: ['sallyport', 'x'], azp: 'x' }),
  ],
  ['an ID token of another flow', 'wrong-nonce', claims({ nonce: 'another' })],
  ['an ID token without nonce', 'token-claims', claims({ nonce: undefined })],
  ['an ID token that expired', 'token-expired', claims({ exp: now() - 3600 })],
  ['an ID token without end', 'token-claims', claims({ exp: undefined })],
  ['an ID token without subject', 'token-claims', claims({ sub: undefined })],
  ['an ID token with an empty subject', 'token-claims', claims({ sub: '' })],
  ['an ID token whose subject is a number', 'token-claims', claims({ sub: 7 })],
  [
    'an ID token that nobody signed',
    'token-algorithm',
    token((liar, honest) => liar.jwt(honest, { alg: 'none' })),
  ],
  [
    'an ID token that nOnE signed',
    'token-algorithm',
    token((liar, honest) => liar.jwt(honest, { alg: 'nOnE' })),
  ],
  [
    'an ID token signed with our own secret',
    'token-algorithm',
    token((_, honest) => makeJwt(honest, { alg: 'HS256' }, CLIENT_SECRET)),
  ],
  [
    'an ID token signed by a stranger under the provider’s key id',
    'wrong-signature',
    token((_, honest) => makeJwt(honest, { alg: 'ES256', kid: 'k1' }, stranger)),
  ],
  [
    'an ID token that brings its own key',
    'wrong-signature',
    token((_, honest) =>
      makeJwt(honest, { alg: 'ES256', jwk: stranger.export({ format: 'jwk' }) }, stranger),
    ),
  ],
  [
    'an ID token under a key id that the provider does not have',
    'wrong-signature',
    token((liar, honest) => liar.jwt(honest, { kid: 'k2' })),
  ],
  [
    'an ID token with a critical extension',
    'token-algorithm',
    token((liar, honest) => liar.jwt(honest, { crit: ['exp'] })),
  ],
  ['a user name with a line feed', 'no-user', claims({ sub: 'alice\nX-Evil: 1' })],
  ['an address that is not verified', 'email-unverified', claims({ email_verified: false })],
  [
    'an address of which nobody says that it is verified',
    'email-unverified',
    claims({ email_verified: undefined }),
  ],
  ['a@evil.com@corp.test', 'email-unverified', claims({ email: 'a@evil.com@corp.test' })],
  ['a@evil.com with our domain as a subdomain', 'email-domain', claims({ email: 'a@corp.test.evil.com' })],
  ['a@notcorp.test', 'email-domain', claims({ email: 'a@notcorp.test' })],
  ['a domain with a dot behind it', 'email-domain', claims({ email: 'a@corp.test.' })],
  ['a domain with a letter that only looks like ours', 'email-domain', claims({ email: 'a@c\u043erp.test' })],
  ['two addresses', 'email-unverified', claims({ email: ['a@evil.com', 'a@corp.test'] })],
];

for (const [name, reason, lie] of TOKEN_LIES) {
  test(`refused: ${name}`, async (t) => {
    const { liar, arrive } = await open(t);
    lie(liar);
    await assert.rejects(arrive(), { code: 'SP_SIGN_IN_FLOW', reason });
  });
}

test('refused: a domain with a Kelvin sign for its K', async (t) => {
  const { liar, arrive } = await open(t, { allowedEmailDomains: ['kcorp.test'] });
  liar.claims = { email: 'a@\u212acorp.test' };
  await assert.rejects(arrive(), { code: 'SP_SIGN_IN_FLOW', reason: 'email-domain' });
});

test('accepted: the truth, once', async (t) => {
  const { liar, arrive } = await open(t);
  const finished = await arrive();
  assert.equal(finished.kind, 'signed-in');
  const [form] = liar.redeemed;
  assert.equal(form?.get('redirect_uri'), 'https://app.test/.sallyport/callback/corp');
  assert.ok((form?.get('code_verifier') ?? '').length >= 43);
});

const QUERY_LIES: readonly (readonly [string, string, (honest: URLSearchParams) => void])[] = [
  ['a callback without state', 'missing-state', (query) => query.delete('state')],
  ['a callback with an empty state', 'missing-state', (query) => query.set('state', '')],
  ['a callback with two states', 'malformed-callback', (query) => query.append('state', 'x')],
  ['a callback with two codes', 'malformed-callback', (query) => query.append('code', 'x')],
  ['a callback without code', 'malformed-callback', (query) => query.delete('code')],
  ['a callback of another issuer', 'wrong-issuer', (query) => query.set('iss', 'https://evil.test')],
  [
    'a callback without the issuer that the provider announces',
    'wrong-issuer',
    (query) => query.delete('iss'),
  ],
  ['a provider that says access_denied', 'denied', (query) => query.set('error', 'access_denied')],
];

for (const [name, reason, change] of QUERY_LIES) {
  test(`refused: ${name}`, async (t) => {
    const { arrive, liar } = await open(t);
    const arrival = arrive((query) => {
      change(query);
      return query;
    });
    await assert.rejects(arrival, { code: 'SP_SIGN_IN_FLOW', reason });
    assert.equal(liar.redeemed.length, 0, 'nothing was redeemed');
  });
}

test('a state that is not ours is stale, whatever comes with it', async (t) => {
  const { arrive, liar } = await open(t);
  const finished = await arrive((query) => {
    query.set('state', 'x'.repeat(43));
    return query;
  });
  assert.deepEqual(finished, { kind: 'stale', returnTo: undefined });
  assert.equal(liar.redeemed.length, 0);
});

test('a flow that took longer than a quarter of an hour is stale', async (t) => {
  const { house, liar } = await open(t);
  const begun = await house.oidc.begin(order);
  const query = liar.authorize(begun.location);
  house.advance(15 * 60_000);
  const finished = await house.oidc.finish({ ...order, query, cookie: cookieOf(begun.setCookies) });
  assert.deepEqual(finished, { kind: 'stale', returnTo: undefined });
});

test('refused: a callback in another browser, at another host, for another provider', async (t) => {
  const { house, liar } = await open(t);
  const begun = await house.oidc.begin(order);
  const victim = await house.oidc.begin(order);
  const query = liar.authorize(begun.location);
  const cookie = cookieOf(begun.setCookies);
  const refused = async (change: object, reason: string) =>
    assert.rejects(house.oidc.finish({ ...order, query, cookie, ...change }), {
      code: 'SP_SIGN_IN_FLOW',
      reason,
    });
  await refused({ cookie: undefined }, 'other-browser');
  await refused({ cookie: cookieOf(victim.setCookies) }, 'other-browser');
  await refused(
    { cookie: cookie.replace(/=.*/, `=${cookieOf(victim.setCookies).split('=')[1]}`) },
    'other-browser',
  );
  await refused({ authority: 'evil.test' }, 'other-host');
  await refused({ authority: 'app.test:8443' }, 'other-host');
  await refused({ provider: 'other' }, 'other-provider');
  await assert.rejects(house.oidc.finish({ ...order, query, cookie, provider: '../corp' }), {
    code: 'SP_SIGN_IN_NOT_FOUND',
  });
  assert.equal(
    (await house.oidc.finish({ ...order, query, cookie })).kind,
    'signed-in',
    'the flow is still good',
  );
});

test('a browser keeps at most twelve flow cookies and a half-forgotten flow goes on', async (t) => {
  const { house } = await open(t);
  const lines: string[][] = [];
  for (let i = 0; i < 20; i++) {
    const begun = await house.oidc.begin({ ...order, cookie: cookieOf(...lines) });
    lines.push([...begun.setCookies]);
  }
  assert.equal(cookieOf(...lines).split('; ').length, 12);
  const [last = ''] = lines.at(-1) ?? [];
  assert.match(
    last,
    /^__Host-sallyport-flow-[\w-]{16}=[0-9a-z]+\.[\w-]{43}; Max-Age=900; Path=\/; Secure; HttpOnly; SameSite=Lax$/,
  );
});

test('a place on another host is no place to return to', async (t) => {
  const { house, liar } = await open(t);
  for (const returnTo of ['//evil.test', 'https://evil.test/', '/\\evil.test', '/\t/evil.test', 'evil', '']) {
    const begun = await house.oidc.begin({ ...order, returnTo });
    const query = liar.authorize(begun.location);
    const finished = await house.oidc.finish({ ...order, query, cookie: cookieOf(begun.setCookies) });
    assert.equal(finished.kind === 'signed-in' && finished.returnTo, '/', JSON.stringify(returnTo));
  }
});

test('no failure tells a code, a state, a token or a secret', async (t) => {
  const { liar, arrive } = await open(t);
  for (const lie of [claims({ aud: 'x' }), claims({ exp: 1 }), token(() => 'not.a.jwt')]) {
    lie(liar);
    const error: unknown = await arrive().then(
      () => assert.fail(),
      (thrown: unknown) => thrown,
    );
    const told = JSON.stringify(error, [
      'message',
      'detail',
      'reason',
      'stack',
      'cause',
      'headers',
      'problems',
    ]);
    assert.doesNotMatch(told, /the-code|eyJ|not\.a\.jwt|secret/);
    assert.equal(error instanceof Error && error.cause, undefined);
  }
});

test('an address that begins sign-ins without end is stopped, and others are not', async (t) => {
  const { house, liar } = await open(t);
  await house.store.counters.increment('oidc-begin:192.0.2.1', 60_000, 600);
  await assert.rejects(house.oidc.begin(order), {
    code: 'SP_AUTHENTICATE_THROTTLED',
    reason: 'too-many-flows',
  });
  assert.ok((await house.oidc.begin({ ...order, address: '192.0.2.2' })).location.startsWith(liar.issuer));
  house.advance(60_000);
  assert.ok(await house.oidc.begin(order));
});
