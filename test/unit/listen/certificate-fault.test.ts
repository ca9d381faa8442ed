import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import type { CertificateFault } from '../../../src/exchange.ts';
import { certificateFault } from '../../../src/listen/certificate-fault.ts';

/** Of every word, the codes that mean it, as node names them; a word that is new in the set does not compile without. */
const CODES: Readonly<Record<CertificateFault, readonly string[]>> = {
  'none-shown': ['ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE'],
  revoked: ['CERT_REVOKED'],
  expired: ['CERT_HAS_EXPIRED'],
  'not-yet-valid': ['CERT_NOT_YET_VALID'],
  'purpose-wrong': ['INVALID_PURPOSE'],
  'authority-unknown': [
    'UNABLE_TO_GET_ISSUER_CERT',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'CERT_UNTRUSTED',
    'CERT_REJECTED',
  ],
  'authority-ambiguous': [],
  'chain-invalid': ['CERT_CHAIN_TOO_LONG', 'INVALID_CA', 'PATH_LENGTH_EXCEEDED'],
  'signature-wrong': [
    'CERT_SIGNATURE_FAILURE',
    'UNABLE_TO_DECRYPT_CERT_SIGNATURE',
    'UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY',
  ],
  'crl-expired': ['CRL_HAS_EXPIRED'],
  'crl-not-yet-valid': ['CRL_NOT_YET_VALID'],
  'crl-missing': ['UNABLE_TO_GET_CRL'],
  'crl-invalid': [
    'CRL_SIGNATURE_FAILURE',
    'UNABLE_TO_DECRYPT_CRL_SIGNATURE',
    'ERROR_IN_CRL_LAST_UPDATE_FIELD',
    'ERROR_IN_CRL_NEXT_UPDATE_FIELD',
  ],
  malformed: ['ERROR_IN_CERT_NOT_BEFORE_FIELD', 'ERROR_IN_CERT_NOT_AFTER_FIELD'],
  other: ['UNSPECIFIED', 'OUT_OF_MEM', 'HOSTNAME_MISMATCH', 'ECONNRESET', 'null', '', 'cert_revoked'],
};

/** Found by this house after OpenSSL was content. */
const OWN: readonly string[] = ['authority-ambiguous'];

for (const [word, codes] of Object.entries(CODES)) {
  test(`${word} is what every one of its codes means`, () => {
    assert.equal(codes.length === 0, OWN.includes(word));
    assert.deepEqual(
      codes.map((code) => certificateFault(code)),
      codes.map(() => word),
    );
  });
}

test('the table holds no code that is not tested here', async () => {
  const source = await readFile(new URL('../../../src/listen/certificate-fault.ts', import.meta.url), 'utf8');
  const rows = [...source.matchAll(/^ {2}\['(\w+)', '([\w-]+)'\],$/gm)].map(([, code, word]) => [code, word]);
  const tested = Object.entries(CODES)
    .filter(([word]) => word !== 'other')
    .flatMap(([word, codes]) => codes.map((code) => [code, word]));
  assert.deepEqual(rows.sort(), tested.sort());
});

test('every word is explained to who reads the security log', async () => {
  const text = await readFile(new URL('../../../docs/security-events.md', import.meta.url), 'utf8');
  const table = text.slice(text.search(/^\| reason +\| what is wrong/m)).split('\n\n')[0] ?? '';
  const cells = [...table.matchAll(/^\|([^|]*)\|/gm)].map(([, cell]) => cell);
  const explained = new Set(cells.join().match(/(?<=`)[\w-]+(?=`)/g));
  assert.deepEqual([...explained].sort(), Object.keys(CODES).sort());
});
