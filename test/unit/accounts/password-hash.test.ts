import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_HASH_PARAMETERS } from '../../../src/accounts/argon2id.ts';
import {
  decoyHash,
  hashPassword,
  hashScheme,
  needsUpgrade,
  verifyPassword,
} from '../../../src/accounts/password-hash.ts';

const SMALL = { memoryKiB: 64, passes: 1, parallelism: 1 };
/** Test vector of the argon2 reference implementation: t=2, m=2^16, p=1, salt `somesalt`. */
const REFERENCE = '$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
/** As Apache's `htpasswd` writes them for `correct horse`. */
const BCRYPT = '$2y$04$00Xz9hE7pg3wbYemyAa0IOBD46RFtEkaUxffeLfWMc87LrKb5DlA6';
const SHA = '{SHA}L55TUjtiq8FBorTWAZ0jy6g129A=';
/** Password -> hash, as `openssl passwd -apr1` and `htpasswd` write them. */
const APR1 = [
  ['correct horse', '$apr1$7EYO.x7H$moDywkQPfdCNP6h52MN9K/'],
  ['a', '$apr1$abcdefgh$G8IsPsylW5ROvIKsQMRG61'],
  ['longer than sixteen bytes', '$apr1$abcdefgh$Sn0Unx00UJ7ACReFaC.Q01'],
  ['', '$apr1$abcdefgh$L.PT565ESX4Tp2bqNs7Ie.'],
  ['äöü€', '$apr1$ab$FkTJ0pw7zfU7QCiGXIi2q.'],
] as const;

test('a new hash is argon2id in the PHC format, with a salt of its own', async () => {
  const hash = await hashPassword('correct horse', SMALL);
  assert.match(hash, /^\$argon2id\$v=19\$m=64,t=1,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
  assert.notEqual(hash, await hashPassword('correct horse', SMALL));
  assert.equal(await verifyPassword(hash, 'correct horse'), true);
  assert.equal(await verifyPassword(hash, 'correct horsf'), false);
  assert.equal(await verifyPassword(hash, ''), false);
});

test('hashes of other programs are verified', async () => {
  assert.equal(await verifyPassword(REFERENCE, 'password'), true);
  assert.equal(await verifyPassword(REFERENCE, 'passwore'), false);
  for (const hash of [BCRYPT, BCRYPT.replace('$2y', '$2b'), BCRYPT.replace('$2y', '$2a'), SHA]) {
    assert.equal(await verifyPassword(hash, 'correct horse'), true, hash);
    assert.equal(await verifyPassword(hash, 'correct horsf'), false, hash);
  }
  for (const [password, hash] of APR1) {
    assert.equal(await verifyPassword(hash, password), true, hash);
    assert.equal(await verifyPassword(hash, `${password}x`), false, hash);
  }
});

test('crypt(3), plain text, malformed hashes and unbearable costs are refused', async () => {
  const tail = '$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc';
  const refused = [
    ...['', 'secret', 'rqXexS6ZhobKA', '$1$abcdefgh$irWbblnpmw.5z7wgBnprh0', '$6$salt$hash', '{SSHA}AAAA'],
    ...[
      '{SHA}',
      `${SHA}x`,
      '$apr1$',
      '$apr1$abcdefghi$G8IsPsylW5ROvIKsQMRG61',
      `${BCRYPT}x`,
      BCRYPT.slice(0, -1),
    ],
    ...[BCRYPT.replace('$04$', '$03$'), BCRYPT.replace('$04$', '$17$'), BCRYPT.replace('$04$', '$+4$')],
    ...[
      'm=1048577,t=1,p=1',
      'm=64,t=0,p=1',
      'm=64,t=65,p=1',
      'm=7,t=1,p=1',
      'm=64,t=1,p=0',
      'm=9999,t=1,p=17',
    ].map((fields) => `$argon2id$v=19$${fields}${tail}`),
    ...[`$argon2id$v=19$m=1048576,t=5,p=1${tail}`, `$argon2id$v=16$m=64,t=1,p=1${tail}`],
    ...[`$argon2i$v=19$m=64,t=1,p=1${tail}`, '$argon2id$v=19$m=64,t=1,p=1$$', `${REFERENCE}\n`],
  ];
  for (const hash of refused) {
    assert.equal(hashScheme(hash), undefined, hash);
    await assert.rejects(verifyPassword(hash, 'secret'), { code: 'SP_STATE_CORRUPT' }, hash);
  }
});

test('only weaker hashes are to be upgraded', () => {
  for (const hash of [BCRYPT, SHA, APR1[0][1], REFERENCE.replace('m=65536,t=2', 'm=4096,t=3')]) {
    assert.equal(needsUpgrade(hash, 'correct horse', DEFAULT_HASH_PARAMETERS), true, hash);
  }
  assert.equal(needsUpgrade(REFERENCE, 'password', DEFAULT_HASH_PARAMETERS), false);
});

test('a bcrypt hash of a password that bcrypt may have cut is not upgraded', () => {
  assert.equal(needsUpgrade(BCRYPT, 'x'.repeat(72), DEFAULT_HASH_PARAMETERS), false);
  assert.equal(needsUpgrade(BCRYPT, 'x'.repeat(71), DEFAULT_HASH_PARAMETERS), true);
});

test('a decoy has the scheme and cost of the real ones and no password', async () => {
  for (const hash of [BCRYPT, SHA, APR1[0][1], await hashPassword('correct horse', SMALL)]) {
    const scheme = hashScheme(hash) ?? '';
    const decoy = decoyHash(scheme);
    assert.equal(hashScheme(decoy), scheme);
    assert.equal(decoy.length, hash.length);
    assert.equal(await verifyPassword(decoy, 'correct horse'), false);
  }
});
