import assert from 'node:assert/strict';
import { createCipheriv, createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { encode } from '../../../src/certificates/der.ts';
import { readPkcs12 } from '../../../src/certificates/pkcs12.ts';
import { readPair } from '../../../src/certificates/reading.ts';
import { toPem } from '../../../src/certificates/x509-builder.ts';
import { chain, good, rsa } from '../../fixtures/certificates/bad-pairs.ts';
import {
  bagBomb,
  bundleOf,
  bundleUnder,
  bundleWith,
  certificateOf,
  crowded,
  dsaKey,
  keyUnder,
  macOf,
  nested,
  pbe,
  pbkdf2,
  scrypt,
} from '../../fixtures/certificates/bombs.ts';
import { watchLoop } from '../../support/loop-watch.ts';

/** Far above what a loaded machine needs, far below what one of the bombs takes. */
const BOUND_MS = 1000;

/** Wraps bytes in the encryption of old PEM files. */
function oldStyle(label: string, bytes: Buffer, passphrase: string): string {
  const iv = randomBytes(16);
  const key = createHash('md5').update(passphrase).update(iv.subarray(0, 8)).digest();
  const cipher = createCipheriv('aes-128-cbc', key, iv);
  const pem = toPem(label, Buffer.concat([cipher.update(bytes), cipher.final()]));
  const heads = `Proc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,${iv.toString('hex').toUpperCase()}\n\n`;
  return pem.replace('-----\n', `-----\n${heads}`);
}

function derOf(pem: string): Buffer {
  return Buffer.from(pem.replace(/-----[^-]+-----/g, ''), 'base64');
}

const costlyDer = derOf(keyUnder(scrypt(8192, 1, 20_000)));

/** What a PEM key asks for -> the key -> the word that must be told. */
const KEYS: Readonly<Record<string, readonly [string, string]>> = {
  'scrypt, p': [keyUnder(scrypt(8192, 1, 20_000)), 'passphrase-cost'],
  'scrypt, r': [keyUnder(scrypt(16, 500_000, 1)), 'passphrase-cost'],
  'scrypt, N': [keyUnder(scrypt(2 ** 26, 8, 1)), 'passphrase-cost'],
  'scrypt, N beyond any number': [keyUnder(scrypt(2 ** 48, 1, 1)), 'passphrase-cost'],
  'scrypt, all a little': [keyUnder(scrypt(16_384, 32, 8)), 'passphrase-cost'],
  'scrypt, N that is no power of two': [keyUnder(scrypt(1000, 8, 1)), 'key-unreadable'],
  'PBKDF2, iterations': [keyUnder(pbkdf2(2_000_000_000)), 'passphrase-cost'],
  'PBKDF2, iterations beyond any number': [keyUnder(pbkdf2(2 ** 50)), 'passphrase-cost'],
  'PBKDF2, none': [keyUnder(pbkdf2(0)), 'passphrase-cost'],
  'PBKDF2, salt': [keyUnder(pbkdf2(1000, 200_000)), 'passphrase-cost'],
  'PKCS#12 encryption, iterations': [keyUnder(pbe(2_000_000_000)), 'passphrase-cost'],
  'PKCS#12 encryption, salt': [keyUnder(pbe(1000, 200_000)), 'passphrase-cost'],
  'scrypt under the encryption of old PEM files': [
    oldStyle('RSA PRIVATE KEY', costlyDer, 'x'),
    'passphrase-wrong',
  ],
  'scrypt twice wrapped': [oldStyle('ENCRYPTED PRIVATE KEY', costlyDer, 'x'), 'key-unreadable'],
  'a DSA key without public half': [toPem('PRIVATE KEY', encode(dsaKey(32_768))), 'key-type'],
  'a DSA key under another label': [toPem('EC PRIVATE KEY', encode(dsaKey(32_768))), 'key-unreadable'],
  'a DSA key in old encryption': [oldStyle('PRIVATE KEY', encode(dsaKey(32_768)), 'x'), 'key-type'],
  'structures in structures': [toPem('PRIVATE KEY', nested(20_000)), 'too-large'],
  'structures in few structures': [toPem('PRIVATE KEY', nested(200)), 'key-unreadable'],
  'more bytes than any key': [toPem('RSA PRIVATE KEY', crowded(300_000)), 'too-large'],
};

for (const [what, [key, word]] of Object.entries(KEYS)) {
  test(`a PEM key is refused by what it asks for, before it gets it: ${what}`, async () => {
    const { result, longestMs } = await watchLoop(() =>
      readPair({ certificate: chain, key, passphrase: 'x' }),
    );
    assert.deepEqual(
      result.problems.map((problem) => problem.word),
      [word],
    );
    assert.ok(longestMs < BOUND_MS, `${longestMs} ms`);
  });
}

/** What a bundle asks for -> the bundle -> the word that must be told. */
const BUNDLES: Readonly<Record<string, readonly [Buffer, string]>> = {
  'scrypt, p': [bundleUnder(scrypt(8192, 1, 20_000)), 'passphrase-cost'],
  'PBKDF2, iterations': [bundleUnder(pbkdf2(2_000_000_000)), 'passphrase-cost'],
  'PKCS#12 encryption, iterations': [bundleUnder(pbe(2_000_000_000)), 'passphrase-cost'],
  'PKCS#12 encryption, salt': [bundleUnder(pbe(1000, 100_000)), 'passphrase-cost'],
  'MAC, iterations': [bundleOf([], macOf(2_000_000_000)), 'passphrase-cost'],
  'MAC, length': [bundleOf([], macOf(1999, 200_000)), 'pkcs12-unreadable'],
  'MAC, salt': [bundleOf([], macOf(1999, 32, 100_000)), 'passphrase-cost'],
  'a DSA key without public half': [bundleWith(dsaKey(32_768)), 'key-type'],
  'bags and bags': [bagBomb(), 'pkcs12-unreadable'],
  'structures in structures': [nested(200), 'pkcs12-unreadable'],
  'more values than any bundle': [crowded(120_000), 'pkcs12-unreadable'],
  'more bytes than any bundle': [crowded(300_000), 'too-large'],
};

for (const [what, [pkcs12, word]] of Object.entries(BUNDLES)) {
  test(`a bundle is refused by what it asks for, before it gets it: ${what}`, async () => {
    const { result, longestMs } = await watchLoop(() => readPkcs12({ pkcs12, passphrase: 'x' }));
    assert.equal(result.problems.at(-1)?.word, word);
    assert.ok(longestMs < BOUND_MS, `${longestMs} ms`);
  });
}

test('a certificate with an RSA key beyond all measure is refused before anything is computed with it', async () => {
  for (const [modulusBits, exponentBits] of [
    [400_000, 300_000],
    [2_000_000, 2_000_000],
    [3072, 3072],
  ] as const) {
    const certificate = certificateOf(modulusBits, exponentBits);
    const { result, longestMs } = await watchLoop(() => readPair({ certificate, key: good.keyPem }));
    assert.ok(['too-large', 'key-weak'].includes(result.problems[0]?.word ?? ''), `${modulusBits}`);
    assert.equal(result.problems.length, 1);
    assert.ok(longestMs < BOUND_MS, `${longestMs} ms`);
  }
});

test('a derivation that is allowed lets other work run', async () => {
  const bundle = bundleOf([], macOf(200_000));
  for (const work of [
    () => readPair({ certificate: chain, key: keyUnder(pbkdf2(1_000_000)), passphrase: 'x' }),
    () => readPair({ certificate: chain, key: keyUnder(scrypt(32_768, 8, 1)), passphrase: 'x' }),
    () => readPair({ certificate: chain, key: keyUnder(pbe(200_000)), passphrase: 'x' }),
    () => readPkcs12({ pkcs12: bundle, passphrase: 'x' }),
  ]) {
    const { result, turns } = await watchLoop(work);
    assert.deepEqual(
      result.problems.map(({ word }) => word),
      ['passphrase-wrong'],
    );
    // Each takes a tenth of a second at least; on the thread of the loop it would let nothing run.
    assert.ok(turns >= 5, String(turns));
  }
});

test('keys under every encryption of old PEM files are opened', async () => {
  for (const cipher of ['aes-128-cbc', 'aes-192-cbc', 'aes-256-cbc', 'des-ede3-cbc']) {
    const key = rsa.export({ type: 'pkcs1', format: 'pem', cipher, passphrase: 'öpen sesame' }).toString();
    const read = await readPair({ certificate: chain, key, passphrase: 'öpen sesame' });
    assert.deepEqual(read.problems, []);
    assert.ok(read.key?.equals(rsa), cipher);
    const wrong = await readPair({ certificate: chain, key, passphrase: 'x' });
    assert.deepEqual(
      wrong.problems.map(({ word }) => word),
      ['passphrase-wrong'],
    );
  }
});
