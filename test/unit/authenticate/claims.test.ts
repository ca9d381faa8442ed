import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emailAt, groupsAt, userAt } from '../../../src/authenticate/claims.ts';

test('user and groups are found at nested paths and under names with dots', () => {
  const claims = { a: { b: { user: 'ann', roles: ['x', 'y'] } }, 'https://example.com/groups': 'ops' };
  assert.equal(userAt(claims, 'a.b.user'), 'ann');
  assert.deepEqual(groupsAt(claims, 'a.b.roles'), ['x', 'y']);
  assert.deepEqual(groupsAt(claims, 'https://example.com/groups'), ['ops']);
  assert.deepEqual(groupsAt(claims, undefined), []);
  assert.deepEqual(groupsAt(claims, 'a.nothing'), []);
});

test('a user is one text that fits into a header', () => {
  for (const sub of ['', 'a\nb', 'a\u0000', 'a'.repeat(257), ['a', 'b'], {}, null, 'a\u0085b']) {
    assert.equal(userAt({ sub }, 'sub'), undefined, JSON.stringify(sub));
  }
});

test('inherited members are no claims', () => {
  assert.equal(userAt({}, 'constructor.name'), undefined);
  assert.equal(userAt({ a: {} }, 'a.__proto__'), undefined);
});

test('groups that are no names are left out', () => {
  assert.deepEqual(groupsAt({ g: ['ops', '', 'x\r\ny', { a: 1 }, null, ['nested']] }, 'g'), ['ops']);
});

test('an address counts unless the issuer says that it is not verified', () => {
  assert.equal(emailAt({ email: 'Ann@Example.COM' }, 'email'), 'ann@example.com');
  assert.equal(emailAt({ email: 'a@b', email_verified: true }, 'email'), 'a@b');
  assert.equal(emailAt({ email: 'a@b', email_verified: false }, 'email'), undefined);
  assert.equal(emailAt({ email: 'a@b', email_verified: 'false' }, 'email'), undefined);
  assert.equal(emailAt({ p: { mail: 'a@b', email_verified: false } }, 'p.mail'), undefined);
  assert.equal(emailAt({ p: { mail: 'a@b' }, email_verified: false }, 'p.mail'), undefined);
});

test('what is not exactly one address is none', () => {
  for (const email of ['a@evil.com@corp.com', 'a', '@b', 'a@', 'a b@c', 'a@b\n', 1, ['a@b', 'c@d']]) {
    assert.equal(emailAt({ email }, 'email'), undefined, JSON.stringify(email));
  }
});
