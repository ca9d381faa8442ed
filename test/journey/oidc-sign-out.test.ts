import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../support/cellar.ts';
import { type OidcHouse, openOidcHouse, providerConfig } from '../support/oidc-house.ts';
import { signIn } from '../support/oidc-visit.ts';
import { PersonAtProvider, startRealProvider } from '../support/real-provider.ts';

async function open(t: TestContext) {
  const houses: OidcHouse[] = [];
  const provider = await startRealProvider(t, {
    authorities: ['app.test'],
    async post(url, body) {
      assert.equal(url, 'https://app.test/.sallyport/backchannel-logout/corp');
      return (await houses[0]?.oidc.backchannelLogout('corp', new URLSearchParams(body))) === 1 ? 200 : 400;
    },
  });
  provider.users.set('alice', { email: 'alice@corp.test', emailVerified: true, groups: [] });
  const config = providerConfig({ issuer: provider.issuer, ca: provider.caFile });
  const house = await openOidcHouse(t, { configs: [config] });
  houses.push(house);
  return { provider, house };
}

test('signing out at the provider ends the session here, and only that one of the user', async (t) => {
  const { provider, house } = await open(t);
  const desk = new PersonAtProvider(provider, 'alice');
  const here = await signIn(house, provider, desk);
  const phone = await signIn(house, provider, 'alice');
  assert.notEqual(here.facts.provider.sid, phone.facts.provider.sid);
  const session = await house.sessions.live(here.id);
  assert.ok(session);
  const location = (await house.oidc.endSession(session, 'app.test')) ?? '';
  assert.ok(location.startsWith(`${provider.issuer}/session/end?`));
  const back = await desk.visit(location);
  assert.equal(back.href, 'https://app.test/.sallyport/sign-in');
  await until(async () => (await house.sessions.live(here.id)) === undefined);
  assert.equal(provider.sent.length, 1);
  assert.ok(await house.sessions.live(phone.id));
});

test('a logout token that comes a second time ends nothing', async (t) => {
  const { provider, house } = await open(t);
  const desk = new PersonAtProvider(provider, 'alice');
  const { id } = await signIn(house, provider, desk);
  const session = await house.sessions.live(id);
  assert.ok(session);
  await desk.visit((await house.oidc.endSession(session, 'app.test')) ?? '');
  const [sent] = provider.sent;
  const again = house.oidc.backchannelLogout(
    'corp',
    new URLSearchParams({ logout_token: sent?.token ?? '' }),
  );
  await assert.rejects(again, { code: 'SP_SIGN_IN_LOGOUT', reason: 'token-replayed' });
});

test('an ID token is no logout token', async (t) => {
  const { provider, house } = await open(t);
  const { facts, id } = await signIn(house, provider, 'alice');
  const form = new URLSearchParams({ logout_token: facts.tokens.idToken ?? '' });
  await assert.rejects(house.oidc.backchannelLogout('corp', form), { code: 'SP_SIGN_IN_LOGOUT' });
  assert.ok(await house.sessions.live(id));
});
