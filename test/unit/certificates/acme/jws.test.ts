import assert from 'node:assert/strict';
import { createHmac, createPublicKey, verify } from 'node:crypto';
import { test } from 'node:test';
import { calculateJwkThumbprint, flattenedVerify } from 'jose';
import { bindExternally, jwkOf, signMessage, thumbprint } from '../../../../src/certificates/acme/jws.ts';
import { ecKey, rsaKey } from '../../../fixtures/certificates/pki.ts';

test('a message is one that an independent library verifies, with exactly the given header', async () => {
  const key = ecKey();
  const message = JSON.parse(
    signMessage(key, { kid: 'https://ca.test/1', nonce: 'n', url: 'https://ca.test/x' }, '{"a":1}'),
  );
  const { payload, protectedHeader } = await flattenedVerify(message, createPublicKey(key));
  assert.equal(Buffer.from(payload).toString(), '{"a":1}');
  assert.deepEqual(protectedHeader, {
    alg: 'ES256',
    kid: 'https://ca.test/1',
    nonce: 'n',
    url: 'https://ca.test/x',
  });
});

test('POST-as-GET has an empty payload, not an empty object', () => {
  const message = JSON.parse(signMessage(ecKey(), { nonce: 'n', url: 'u' }, ''));
  assert.equal(message.payload, '');
});

test('a thumbprint is that of RFC 7638', async () => {
  const jwk = jwkOf(ecKey());
  assert.equal(thumbprint(jwk), await calculateJwkThumbprint(jwk));
});

test('only P-256 makes an account key', () => {
  assert.throws(() => jwkOf(rsaKey()), /P-256/);
  assert.throws(() => jwkOf(ecKey('P-384')), /P-256/);
});

test('an external account binding signs the account key with HS256 for the address of new accounts', () => {
  const secret = Buffer.alloc(32, 9);
  const jwk = jwkOf(ecKey());
  const bound = bindExternally({ kid: 'k', key: secret.toString('base64url') }, jwk, 'https://ca.test/new');
  const { protected: head, payload, signature } = JSON.parse(JSON.stringify(bound));
  assert.deepEqual(JSON.parse(Buffer.from(head, 'base64url').toString()), {
    alg: 'HS256',
    kid: 'k',
    url: 'https://ca.test/new',
  });
  assert.deepEqual(JSON.parse(Buffer.from(payload, 'base64url').toString()), jwk);
  assert.equal(signature, createHmac('sha256', secret).update(`${head}.${payload}`).digest('base64url'));
});

test('the private half never gets into a message', () => {
  const key = ecKey();
  const { d } = key.export({ format: 'jwk' });
  const message = JSON.parse(signMessage(key, { jwk: jwkOf(key), nonce: 'n', url: 'u' }, ''));
  const header = Buffer.from(message.protected, 'base64url').toString();
  assert.ok(!header.includes(String(d)));
  assert.ok(
    verify(
      'sha256',
      Buffer.from(`${message.protected}.`),
      { key, dsaEncoding: 'ieee-p1363' },
      Buffer.from(message.signature, 'base64url'),
    ),
  );
});
