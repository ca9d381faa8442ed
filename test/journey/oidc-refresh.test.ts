import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { until } from '../support/cellar.ts';
import { openOidcHouse, providerConfig } from '../support/oidc-house.ts';
import { signIn } from '../support/oidc-visit.ts';
import { startRealProvider } from '../support/real-provider.ts';

const DUE_MS = 301_000;
const LONG_DUE_MS = 700_000;

async function open(t: TestContext) {
  const provider = await startRealProvider(t, { authorities: ['app.test'] });
  const alice = { email: 'alice@corp.test', emailVerified: true, groups: ['ops', 'staff'] };
  provider.users.set('alice', alice);
  const config = providerConfig({
    issuer: provider.issuer,
    ca: provider.caFile,
    allowedEmailDomains: ['corp.test'],
  });
  const house = await openOidcHouse(t, { configs: [config] });
  const { id } = await signIn(house, provider, 'alice');
  provider.calls.length = 0;
  const redeemed = () => provider.calls.filter((call) => call === 'POST /token').length;
  return { provider, alice, house, id, redeemed };
}

test('twenty refreshes at once from two processes redeem the rotating token once', async (t) => {
  const { house, id, redeemed } = await open(t);
  const other = await house.another();
  const before = await house.sessions.tokens(id);
  const outcomes = await Promise.all(
    Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? house : other).oidc.refresher.refresh(id)),
  );
  assert.deepEqual(new Set(outcomes), new Set(['renewed']));
  assert.equal(redeemed(), 1);
  const after = await other.sessions.tokens(id);
  assert.notEqual(after?.refreshToken, before?.refreshToken);
  assert.equal(await other.oidc.refresher.refresh(id), 'renewed', 'the new token is good for the next time');
});

test('a session in use is refreshed in the background when it is due, and not before', async (t) => {
  const { house, id, redeemed } = await open(t);
  house.oidc.refresher.used(id);
  assert.equal(await house.oidc.refresher.check(id), 'fresh');
  assert.equal(redeemed(), 0);
  house.advance(DUE_MS);
  const before = await house.sessions.tokens(id);
  for (let i = 0; i < 100; i++) house.oidc.refresher.used(id);
  await until(async () => (await house.sessions.tokens(id))?.expiresAtSec !== before?.expiresAtSec);
  assert.equal(redeemed(), 1);
});

test('groups that the provider took away are gone after the refresh, and every process is told', async (t) => {
  const { house, alice, id } = await open(t);
  const other = await house.another();
  const told: string[] = [];
  other.notices.on((notice) => void told.push(notice.kind));
  alice.groups = ['staff'];
  house.advance(LONG_DUE_MS);
  assert.equal(await house.oidc.refresher.check(id), 'renewed');
  assert.deepEqual((await other.sessions.live(id))?.groups, ['staff']);
  await until(() => told.includes('session-changed'));
});

test('a user whom the provider disabled has no session after the refresh', async (t) => {
  const { house, provider, id } = await open(t);
  provider.disable('alice');
  house.advance(LONG_DUE_MS);
  assert.equal(await house.oidc.refresher.check(id), 'ended');
  assert.equal(await house.sessions.live(id), undefined);
});

test('of twenty requests at once after a long silence none goes on before the provider was asked', async (t) => {
  const { house, provider, id } = await open(t);
  provider.disable('alice');
  house.advance(LONG_DUE_MS);
  const outcomes = await Promise.all(Array.from({ length: 20 }, () => house.oidc.refresher.check(id)));
  assert.deepEqual(new Set(outcomes), new Set(['ended']));
});

test('an address that is not verified any longer ends the session', async (t) => {
  const { house, alice, id } = await open(t);
  alice.emailVerified = false;
  assert.equal(await house.oidc.refresher.refresh(id), 'ended');
  assert.equal(await house.sessions.live(id), undefined);
});

test('a provider that is away ends no session', async (t) => {
  const { house, provider, id, redeemed } = await open(t);
  const before = await house.sessions.tokens(id);
  provider.goAway(true);
  house.advance(LONG_DUE_MS);
  assert.equal(await house.oidc.refresher.check(id), 'unavailable');
  assert.equal((await house.sessions.live(id))?.user, 'alice');
  assert.deepEqual(await house.sessions.tokens(id), before);
  const asked = redeemed();
  assert.equal(await house.oidc.refresher.check(id), 'fresh', 'it is left in peace for a while');
  assert.equal(redeemed(), asked);
  provider.goAway(false);
  house.advance(31_000);
  await house.oidc.refresher.check(id);
  assert.notDeepEqual(await house.sessions.tokens(id), before);
});

test('a process that dies while it refreshes keeps the others waiting for seconds only', async (t) => {
  const { house, id } = await open(t);
  await house.store.leases.acquire(`oidc-refresh:${id}`, 'a process that died', 1_000);
  assert.equal(await house.oidc.refresher.refresh(id), 'renewed');
});

test('a session that ended meanwhile is not brought back by a refresh', async (t) => {
  const { house, id } = await open(t);
  const refresh = house.oidc.refresher.refresh(id);
  await house.sessions.revoke(id);
  assert.equal(await refresh, 'ended');
  assert.equal(await house.sessions.live(id), undefined);
  assert.equal(await house.sessions.tokens(id), undefined);
});
