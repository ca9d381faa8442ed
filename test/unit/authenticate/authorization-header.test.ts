import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  basicCredentialOf,
  hasScheme,
  schemeOf,
  token68Of,
} from '../../../src/authenticate/authorization-header.ts';

const basic = (text: string | Buffer) => `Basic ${Buffer.from(text).toString('base64')}`;

test('the scheme is read in any case and only when a space follows', () => {
  assert.equal(hasScheme('bEaReR x', 'bearer'), true);
  assert.equal(hasScheme('Bearerx', 'bearer'), false);
  assert.equal(hasScheme('Bearer', 'bearer'), false);
  assert.equal(schemeOf('BASIC abc'), 'basic');
  assert.equal(schemeOf('garbage'), 'garbage');
  assert.equal(schemeOf(''), '');
});

test('exactly one token68 follows the scheme', () => {
  assert.equal(token68Of('Bearer a.b-c_~+/=='), 'a.b-c_~+/==');
  assert.equal(token68Of('Bearer   abc'), 'abc');
  for (const bad of [
    'Bearer',
    'Bearer ',
    'Bearer a b',
    'Bearer a,b',
    'Bearer a, Bearer b',
    'Bearer a=b',
    'Bearer "a"',
    'Bearer a ',
    'Bearer a\tb',
    'Bearer ä',
  ]) {
    assert.equal(token68Of(bad), undefined, JSON.stringify(bad));
  }
});

test('the name ends at the first colon and the password keeps the others', () => {
  assert.deepEqual(basicCredentialOf(basic('ann:a:b:')), { name: 'ann', password: 'a:b:' });
  assert.deepEqual(basicCredentialOf(basic('ann:')), { name: 'ann', password: '' });
});

test('names and passwords are UTF-8', () => {
  assert.deepEqual(basicCredentialOf(basic('zoë:pässwörd€')), { name: 'zoë', password: 'pässwörd€' });
  assert.equal(basicCredentialOf(basic(Buffer.from([0x7a, 0xff, 0x3a, 0x78]))), undefined);
});

test('a Basic credential with a control character, without colon or with an empty name is refused', () => {
  for (const bad of ['ann', ':secret', '', 'a\u0000b:c', 'a:b\n', 'a:\u0085', 'a\u007f:b']) {
    assert.equal(basicCredentialOf(basic(bad)), undefined, JSON.stringify(bad));
  }
});

test('only base64 that encodes back to itself is read', () => {
  const good = Buffer.from('ann:pass').toString('base64');
  assert.equal(basicCredentialOf(`Basic ${good.replace(/=+$/, '')}`)?.name, undefined);
  assert.equal(basicCredentialOf('Basic YW5uOnBhc3R='), undefined);
  assert.equal(basicCredentialOf('Basic ~~~~'), undefined);
  assert.equal(basicCredentialOf('Basic YW5u.OnBhc3M='), undefined);
});
