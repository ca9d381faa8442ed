import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { Finished, SignedInFacts } from '../../src/sign-in/oidc/finish.ts';
import { cookieOf, type OidcHouse, openOidcHouse, providerConfig } from '../support/oidc-house.ts';
import { PersonAtProvider, type RealProvider, startRealProvider } from '../support/real-provider.ts';

const AUTHORITY = 'app.test';

async function open(t: TestContext): Promise<{ provider: RealProvider; house: OidcHouse }> {
  const provider = await startRealProvider(t, { authorities: [AUTHORITY] });
  provider.users.set('alice', { email: 'Alice@Corp.test', emailVerified: true, groups: ['ops', 'staff'] });
  const house = await openOidcHouse(t, {
    configs: [
      providerConfig({ issuer: provider.issuer, ca: provider.caFile, allowedEmailDomains: ['corp.test'] }),
    ],
  });
  return { provider, house };
}

const order = {
  provider: 'corp',
  authority: AUTHORITY,
  returnTo: '/',
  session: undefined,
  cookie: undefined,
  address: '192.0.2.1',
};

function facts(finished: Finished): SignedInFacts {
  if (finished.kind !== 'signed-in') assert.fail(`it is ${finished.kind}`);
  return finished.facts;
}

test('a person signs in: code, PKCE, nonce, groups and email from userinfo', async (t) => {
  const { provider, house } = await open(t);
  const begun = await house.oidc.begin({ ...order, returnTo: '/dash?x=1' });
  const back = await new PersonAtProvider(provider, 'alice').visit(begun.location);
  assert.equal(back.origin + back.pathname, 'https://app.test/.sallyport/callback/corp');
  const finished = await house.oidc.finish({
    ...order,
    query: back.searchParams,
    cookie: cookieOf(begun.setCookies),
  });
  assert.equal(finished.kind === 'signed-in' && finished.returnTo, '/dash?x=1');
  const { user, groups, email, provider: by, tokens } = facts(finished);
  assert.deepEqual(
    { user, groups, email },
    { user: 'alice', groups: ['ops', 'staff'], email: 'alice@corp.test' },
  );
  assert.equal(by.subject, 'alice');
  assert.ok(by.sid);
  assert.ok(tokens.idToken && tokens.refreshToken);
});

test('ten tabs sign in at once, each begun without a cookie, and all succeed', async (t) => {
  const { provider, house } = await open(t);
  const person = new PersonAtProvider(provider, 'alice');
  const begun = await Promise.all(
    Array.from({ length: 10 }, (_, i) => house.oidc.begin({ ...order, returnTo: `/tab/${i}` })),
  );
  const cookie = cookieOf(...begun.map(({ setCookies }) => setCookies));
  const backs: URL[] = [];
  for (const { location } of begun) backs.push(await person.visit(location));
  const finished = await Promise.all(
    backs.map((back) => house.oidc.finish({ ...order, query: back.searchParams, cookie })),
  );
  const places = finished.map((one) => (one.kind === 'signed-in' ? one.returnTo : one.kind));
  assert.deepEqual(
    places,
    Array.from({ length: 10 }, (_, i) => `/tab/${i}`),
  );
});

test('a code that comes a second time makes no second session', async (t) => {
  const { provider, house } = await open(t);
  const begun = await house.oidc.begin({ ...order, returnTo: '/dash' });
  const back = await new PersonAtProvider(provider, 'alice').visit(begun.location);
  const callback = { ...order, query: back.searchParams, cookie: cookieOf(begun.setCookies) };
  const finished = await Promise.all([house.oidc.finish(callback), house.oidc.finish(callback)]);
  assert.deepEqual(finished.map(({ kind }) => kind).sort(), ['signed-in', 'stale']);
  assert.deepEqual(await house.oidc.finish(callback), { kind: 'stale', returnTo: '/dash' });
  assert.equal(provider.calls.filter((call) => call === 'POST /token').length, 1);
});

test('a step-up makes the person prove anew who they are, and refuses another person', async (t) => {
  const { provider, house } = await open(t);
  provider.users.set('bob', { email: 'bob@corp.test', emailVerified: true, groups: [] });
  const session = { id: 'the-session', provider: { name: 'corp', sid: undefined, subject: 'alice' } };
  for (const login of ['alice', 'bob']) {
    const begun = await house.oidc.begin({ ...order, session });
    assert.equal(new URL(begun.location).searchParams.get('max_age'), '0');
    const back = await new PersonAtProvider(provider, login).visit(begun.location);
    const callback = { ...order, query: back.searchParams, cookie: cookieOf(begun.setCookies) };
    if (login === 'bob') {
      await assert.rejects(house.oidc.finish(callback), { code: 'SP_SIGN_IN_FLOW', reason: 'other-user' });
    } else {
      const finished = await house.oidc.finish(callback);
      assert.equal(finished.kind === 'signed-in' && finished.sessionId, 'the-session');
      assert.ok(Math.abs(facts(finished).authenticatedAtSec - Date.now() / 1000) < 10);
    }
  }
});

test('a person who declines at the provider is told so', async (t) => {
  const { provider, house } = await open(t);
  const begun = await house.oidc.begin(order);
  const back = await new PersonAtProvider(provider, 'nobody').visit(begun.location);
  const callback = { ...order, query: back.searchParams, cookie: cookieOf(begun.setCookies) };
  await assert.rejects(house.oidc.finish(callback), { code: 'SP_SIGN_IN_FLOW', reason: 'denied' });
});

test('an address that the provider did not verify opens nothing', async (t) => {
  const { provider, house } = await open(t);
  provider.users.set('eve', { email: 'eve@corp.test', emailVerified: false, groups: ['ops'] });
  const begun = await house.oidc.begin(order);
  const back = await new PersonAtProvider(provider, 'eve').visit(begun.location);
  const callback = { ...order, query: back.searchParams, cookie: cookieOf(begun.setCookies) };
  await assert.rejects(house.oidc.finish(callback), { code: 'SP_SIGN_IN_FLOW', reason: 'email-unverified' });
});

test('a sign-in that one process began another one finishes', async (t) => {
  const { provider, house } = await open(t);
  const other = await house.another();
  const begun = await house.oidc.begin(order);
  const back = await new PersonAtProvider(provider, 'alice').visit(begun.location);
  const callback = { ...order, query: back.searchParams, cookie: cookieOf(begun.setCookies) };
  assert.equal((await other.oidc.finish(callback)).kind, 'signed-in');
  assert.equal((await house.oidc.finish(callback)).kind, 'stale');
});
