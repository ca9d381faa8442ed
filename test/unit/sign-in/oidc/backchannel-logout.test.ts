import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type Answer,
  type LyingProvider,
  makeJwt,
  startLyingProvider,
} from '../../../support/lying-provider.ts';
import { openOidcHouse, providerConfig } from '../../../support/oidc-house.ts';
import { CLIENT_SECRET } from '../../../support/real-provider.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const now = () => Math.floor(Date.now() / 1000);

async function open(t: TestContext, answers: Readonly<Record<string, Answer>> = {}) {
  const liar = await startLyingProvider(t);
  for (const [path, answer] of Object.entries(answers)) liar.answers.set(path, answer);
  const issuer = liar.issuer;
  const configs = [providerConfig({ issuer }), providerConfig({ name: 'other', issuer, clientId: 'else' })];
  const house = await openOidcHouse(t, { configs });
  const signIn = (name: string, sid: string, subject = 'alice') =>
    house.sessions.create({
      user: subject,
      groups: [],
      email: undefined,
      method: 'oidc',
      provider: { name, sid, subject },
    });
  const tell = (token: string) =>
    house.oidc.backchannelLogout('corp', new URLSearchParams({ logout_token: token }));
  return { liar, house, signIn, tell };
}

function honest({ issuer }: LyingProvider): Record<string, unknown> {
  return {
    iss: issuer,
    aud: 'sallyport',
    iat: now(),
    exp: now() + 120,
    jti: randomUUID(),
    events: { [EVENT]: {} },
    sid: 's1',
  };
}

test('a sid ends one session, a subject alone all of its sessions, and no other provider’s', async (t) => {
  const { liar, house, signIn, tell } = await open(t);
  const one = await signIn('corp', 's1');
  const two = await signIn('corp', 's2');
  const elsewhere = await signIn('other', 's1');
  const bob = await signIn('corp', 's3', 'bob');
  const isLive = async ({ id }: { id: string }) => (await house.sessions.live(id)) !== undefined;
  const live = () => Promise.all([one, two, elsewhere, bob].map(isLive));
  assert.equal(await tell(liar.jwt({ ...honest(liar), sub: 'alice' }, { typ: 'logout+jwt' })), 1);
  assert.deepEqual(await live(), [false, true, true, true]);
  assert.equal(await tell(liar.jwt({ ...honest(liar), sid: undefined, sub: 'alice' })), 1);
  assert.deepEqual(await live(), [false, false, true, true]);
  assert.equal(await tell(liar.jwt(honest(liar))), 0, 'a session that is over already is no failure');
});

const LIES: readonly (readonly [string, string, (liar: LyingProvider) => string])[] = [
  ['nothing', 'token-missing', () => ''],
  ['something else', 'token-signature', () => 'x.y.z'],
  ['of another issuer', 'token-issuer', (liar) => liar.jwt({ ...honest(liar), iss: 'https://evil.test' })],
  ['for another client', 'token-audience', (liar) => liar.jwt({ ...honest(liar), aud: 'else' })],
  ['that expired', 'token-expired', (liar) => liar.jwt({ ...honest(liar), exp: now() - 60 })],
  [
    'that is old though it says that it lives',
    'token-expired',
    (liar) => liar.jwt({ ...honest(liar), iat: now() - 7200 }),
  ],
  [
    'of the future',
    'token-claims',
    (liar) => liar.jwt({ ...honest(liar), iat: now() + 600, exp: now() + 900 }),
  ],
  ['without end', 'token-claims', (liar) => liar.jwt({ ...honest(liar), exp: undefined })],
  ['without jti', 'token-claims', (liar) => liar.jwt({ ...honest(liar), jti: undefined })],
  ['without iat', 'token-claims', (liar) => liar.jwt({ ...honest(liar), iat: undefined })],
  ['without events', 'token-claims', (liar) => liar.jwt({ ...honest(liar), events: undefined })],
  ['of another event', 'token-event', (liar) => liar.jwt({ ...honest(liar), events: { other: {} } })],
  [
    'whose event is no object',
    'token-event',
    (liar) => liar.jwt({ ...honest(liar), events: { [EVENT]: true } }),
  ],
  ['with a nonce', 'token-nonce', (liar) => liar.jwt({ ...honest(liar), nonce: 'n' })],
  ['about nobody', 'token-claims', (liar) => liar.jwt({ ...honest(liar), sid: undefined })],
  ['with an empty sid', 'token-claims', (liar) => liar.jwt({ ...honest(liar), sid: '', sub: 'alice' })],
  ['of another kind', 'token-type', (liar) => liar.jwt(honest(liar), { typ: 'at+jwt' })],
  ['that nobody signed', 'token-algorithm', (liar) => liar.jwt(honest(liar), { alg: 'none' })],
  [
    'signed with our own secret',
    'token-algorithm',
    (liar) => makeJwt(honest(liar), { alg: 'HS256' }, CLIENT_SECRET),
  ],
  ['as long as a book', 'token-missing', (liar) => liar.jwt({ ...honest(liar), x: 'x'.repeat(20_000) })],
];

for (const [name, reason, lie] of LIES) {
  test(`refused: a logout token ${name}`, async (t) => {
    const { liar, house, signIn, tell } = await open(t);
    const { id } = await signIn('corp', 's1');
    await assert.rejects(tell(lie(liar)), { code: 'SP_SIGN_IN_LOGOUT', status: 400, reason });
    assert.ok(await house.sessions.live(id));
  });
}

test('refused: two logout tokens, and one that came before', async (t) => {
  const { liar, house, tell } = await open(t);
  const token = liar.jwt(honest(liar));
  const two = new URLSearchParams([
    ['logout_token', token],
    ['logout_token', token],
  ]);
  await assert.rejects(house.oidc.backchannelLogout('corp', two), { reason: 'token-missing' });
  await tell(token);
  await assert.rejects(tell(token), { code: 'SP_SIGN_IN_LOGOUT', reason: 'token-replayed' });
});

test('a logout token that could not be verified for want of keys is good for another try', async (t) => {
  const { liar, signIn, tell } = await open(t, { '/jwks': { status: 503, text: '' } });
  await signIn('corp', 's1');
  const token = liar.jwt(honest(liar));
  await assert.rejects(tell(token), { code: 'SP_SIGN_IN_PROVIDER', reason: 'provider-keys' });
  liar.answers.clear();
  await sleep(1_100);
  assert.equal(await tell(token), 1);
});

test('a logout token for a provider that is not configured finds no page', async (t) => {
  const { house } = await open(t);
  const telling = house.oidc.backchannelLogout('nobody', new URLSearchParams());
  await assert.rejects(telling, { code: 'SP_SIGN_IN_NOT_FOUND' });
});

test('a sid with a subject ends also the sessions of that subject of which no sid is known', async (t) => {
  const { liar, house, signIn, tell } = await open(t);
  const [one, two] = [await signIn('corp', 's1'), await signIn('corp', 's2')];
  const unknown = (subject: string) =>
    house.sessions.create({
      user: subject,
      groups: [],
      email: undefined,
      method: 'oidc',
      provider: { name: 'corp', sid: undefined, subject },
    });
  const [three, bob] = [await unknown('alice'), await unknown('bob')];
  const waiting = { user: 'alice', provider: { name: 'corp', sid: undefined, subject: 'alice' } };
  const before = await house.sessions.endings.marks(waiting);
  assert.equal(await tell(liar.jwt({ ...honest(liar), sub: 'alice' }, { typ: 'logout+jwt' })), 2);
  const live = [one, two, three, bob].map(async ({ id }) => (await house.sessions.live(id)) !== undefined);
  assert.deepEqual(await Promise.all(live), [false, true, false, true]);
  assert.equal(await house.sessions.endings.endedSince(before, waiting), true, 'between two factors');
});
