import assert from 'node:assert/strict';
import { test } from 'node:test';
import { factsOf, isIncomplete } from '../../../../src/sign-in/oidc/claims-to-facts.ts';
import { providerConfig } from '../../../support/oidc-house.ts';

const config = (change = {}) => providerConfig({ issuer: 'https://id.test', ...change });

test('groups come from any claim path, from the ID token first', () => {
  const keycloak = { sub: 'u', realm_access: { roles: ['admin', 'user'] }, 'https://x.test/groups': ['a'] };
  const groups = (path: string | undefined, token: object, userinfo = {}) =>
    factsOf({ sub: 'u', ...token }, userinfo, config({ groups: path })).groups;
  assert.deepEqual(groups('realm_access.roles', keycloak), ['admin', 'user']);
  assert.deepEqual(groups('https://x.test/groups', keycloak), ['a']);
  assert.deepEqual(groups('groups', {}, { groups: ['from-userinfo'] }), ['from-userinfo']);
  assert.deepEqual(groups('groups', { groups: ['token'] }, { groups: ['userinfo'] }), ['token']);
  assert.deepEqual(groups('groups', { groups: ['ok', 'bad\nname', '', 7] }), ['ok', '7']);
  assert.deepEqual(groups(undefined, { groups: ['a'] }), []);
});

test('an address and its verdict come from the same place', () => {
  const email = (token: object, userinfo = {}, path = 'email') =>
    factsOf({ sub: 'u', ...token }, userinfo, config({ email: path })).email;
  assert.equal(email({ email: 'A@Corp.test', email_verified: true }), 'a@corp.test');
  assert.equal(email({ email: 'a@corp.test', email_verified: 'true' }), 'a@corp.test');
  assert.equal(email({ email: 'a@corp.test', email_verified: 'false' }), undefined);
  assert.equal(email({ email: 'a@corp.test', email_verified: 1 }), undefined);
  assert.equal(email({ email: 'a@corp.test' }), undefined);
  assert.equal(email({ email: 'a@corp.test' }, { email_verified: true }), undefined);
  assert.equal(email({}, { email: 'a@corp.test', email_verified: true }), 'a@corp.test');
  assert.equal(
    email({ mail: { main: 'a@corp.test', email_verified: true } }, {}, 'mail.main'),
    'a@corp.test',
  );
  const torn = { email_verified: true, mail: { main: 'a@corp.test', email_verified: false } };
  assert.equal(email(torn, {}, 'mail.main'), undefined);
});

test('a user name is one text', () => {
  const user = (claim: unknown) => factsOf({ sub: 'u', name: claim }, {}, config({ user: 'name' })).user;
  assert.equal(user('alice'), 'alice');
  for (const claim of [undefined, '', ['a', 'b'], {}, null, 'a\u2028b', 'x'.repeat(257)])
    assert.throws(() => user(claim), { code: 'SP_SIGN_IN_FLOW', reason: 'no-user' }, JSON.stringify(claim));
});

test('an address is a user name only when the provider verified it', () => {
  const user = (token: object, change: object = { user: 'email' }, userinfo = {}) =>
    factsOf({ sub: 'u', ...token }, userinfo, config(change)).user;
  assert.equal(user({ email: 'Ceo@corp.test', email_verified: true }), 'ceo@corp.test');
  assert.equal(
    user({}, { user: 'email' }, { email: 'ceo@corp.test', email_verified: true }),
    'ceo@corp.test',
  );
  const elsewhere = { user: 'mail.main', email: 'mail.main' };
  assert.equal(user({ mail: { main: 'a@b.test', email_verified: true } }, elsewhere), 'a@b.test');
  for (const token of [
    { email: 'ceo@corp.test' },
    { email: 'ceo@corp.test', email_verified: false },
    { email: 'a@evil.test@corp.test', email_verified: true },
  ])
    assert.throws(() => user(token), { code: 'SP_SIGN_IN_FLOW', reason: 'email-unverified' });
  const other = { user: 'email', email: 'mail.main' };
  assert.throws(() => user({ email: 'ceo@corp.test' }, other), { reason: 'email-unverified' });
});

test('userinfo is asked only for what the ID token leaves open', () => {
  const whole = { sub: 'u', groups: ['a'], email: 'a@b.test' };
  assert.equal(isIncomplete(whole, config()), false);
  assert.equal(isIncomplete({ ...whole, groups: undefined }, config()), true);
  assert.equal(isIncomplete({ ...whole, groups: undefined }, config({ groups: undefined })), false);
});
