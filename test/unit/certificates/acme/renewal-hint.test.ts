import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { readRenewalHint, renewalId } from '../../../../src/certificates/acme/renewal-hint.ts';
import type { Ask } from '../../../../src/certificates/acme/wire.ts';
import { authority, leaf } from '../../../fixtures/certificates/pki.ts';

const DAY_MS = 86_400_000;
const NOW = Date.UTC(2030, 0, 15);
const directory = { renewalInfo: 'https://ca.test/info/' };

/** The example of RFC 9773, appendix A. */
const EXAMPLE = `-----BEGIN CERTIFICATE-----
MIIBQzCB66ADAgECAgUAh2VDITAKBggqhkjOPQQDAjAVMRMwEQYDVQQDEwpFeGFt
cGxlIENBMCIYDzAwMDEwMTAxMDAwMDAwWhgPMDAwMTAxMDEwMDAwMDBaMBYxFDAS
BgNVBAMTC2V4YW1wbGUuY29tMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEeBZu
7cbpAYNXZLbbh8rNIzuOoqOOtmxA1v7cRm//AwyMwWxyHz4zfwmBhcSrf47NUAFf
qzLQ2PPQxdTXREYEnKMjMCEwHwYDVR0jBBgwFoAUaYhba4dGQEHhs3uEe6CuLN4B
yNQwCgYIKoZIzj0EAwIDRwAwRAIge09+S5TZAlw5tgtiVvuERV6cT4mfutXIlwTb
+FYN/8oCIClDsqBklhB9KAelFiYt9+6FDj3z4KGVelYM5MdsO3pK
-----END CERTIFICATE-----
`;

test('the id of a certificate is that of the RFC: key id of the authority and DER serial, a leading zero kept', () => {
  assert.equal(renewalId(EXAMPLE), 'aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE');
});

test('the id of any certificate names its serial as it stands in the certificate', () => {
  const { certificate } = leaf(authority('CA'), ['a.test']);
  const [, serial = ''] = (renewalId(certificate) ?? '').split('.');
  assert.equal(
    Buffer.from(serial, 'base64url').toString('hex').toUpperCase(),
    new X509Certificate(certificate).serialNumber,
  );
});

function answering(window: object, headers = {}) {
  const asked: string[] = [];
  const ask = async ({ url }: Ask) => {
    asked.push(url);
    return { status: 200, headers, body: Buffer.from(JSON.stringify({ suggestedWindow: window })) };
  };
  return { asked, wire: { ask } };
}

test('a hint lies within the window, and is asked for again when the CA says so', async () => {
  const window = { start: new Date(NOW).toISOString(), end: new Date(NOW + DAY_MS).toISOString() };
  const { asked, wire } = answering(window, { 'retry-after': '600' });
  const hint = await readRenewalHint(wire, directory, 'a.b', () => NOW);
  assert.ok(hint !== undefined && hint.renewAtMs >= NOW && hint.renewAtMs <= NOW + DAY_MS);
  assert.equal(hint.askAgainAtMs, NOW + 600_000);
  assert.deepEqual(asked, ['https://ca.test/info/a.b']);
});

test('a CA cannot be asked more often than once a minute, nor less than once a day', async () => {
  const window = { start: new Date(NOW).toISOString(), end: new Date(NOW + DAY_MS).toISOString() };
  for (const [field, ms] of [
    ['0', 60_000],
    ['9999999', DAY_MS],
  ] as const) {
    const { wire } = answering(window, { 'retry-after': field });
    assert.equal((await readRenewalHint(wire, directory, 'a.b', () => NOW))?.askAgainAtMs, NOW + ms);
  }
});

test('a window that ends before it begins is refused; a CA without hints gives none', async () => {
  const { wire } = answering({ start: '2030-02-01T00:00:00Z', end: '2030-01-01T00:00:00Z' });
  await assert.rejects(
    readRenewalHint(wire, directory, 'a.b', () => NOW),
    /renewal window/,
  );
  assert.equal(await readRenewalHint(wire, { renewalInfo: undefined }, 'a.b', () => NOW), undefined);
});
