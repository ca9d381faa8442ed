import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { buildRequest } from '../../../src/certificates/csr.ts';
import { ecKey, rsaKey } from '../../fixtures/certificates/pki.ts';

for (const [type, key] of [
  ['ecdsa', ecKey()],
  ['rsa', rsaKey()],
] as const) {
  test(`OpenSSL verifies a request with an ${type} key and finds every name`, () => {
    const request = buildRequest(key, ['a.test', '*.b.test']);
    const args = ['req', '-inform', 'DER', '-noout', '-text', '-verify'];
    const text = execFileSync('openssl', args, {
      input: request,
      stdio: ['pipe', 'pipe', 'pipe'],
    }).toString();
    assert.match(text, /DNS:a\.test, DNS:\*\.b\.test/);
    assert.match(text, /Subject:\s*\n/);
    const named = execFileSync('openssl', args, {
      input: buildRequest(key, ['a.test', '*.b.test'], 'a.test'),
      stdio: ['pipe', 'pipe', 'pipe'],
    }).toString();
    assert.match(named, /Subject: CN ?= ?a\.test\n/);
  });
}
