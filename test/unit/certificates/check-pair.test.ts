import assert from 'node:assert/strict';
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { checkPair, type Verdict } from '../../../src/certificates/certificate.ts';
import { encode, integer, oid, retagged, sequence } from '../../../src/certificates/der.ts';
import { type PemSource, readPair } from '../../../src/certificates/reading.ts';
import { toPem } from '../../../src/certificates/x509-builder.ts';
import {
  authority,
  days,
  ecKey,
  leaf,
  NOW,
  pemOf,
  rsaKey,
  selfSigned,
} from '../../fixtures/certificates/pki.ts';

const HOSTS = ['www.example.com', '*.apps.example.com', '*'];
const NAMES = ['www.example.com', '*.apps.example.com'];

const root = authority('Root');
const middle = authority('Middle', { parent: root });
const good = leaf(middle, NAMES);
const chain = good.certificate + middle.certificate;
const rsa = rsaKey();
const twoRsa = pemOf(rsa);

function check(source: PemSource, hosts: readonly string[] = HOSTS): Verdict {
  return checkPair(readPair(source), { hosts, now: NOW });
}

function words(verdict: Verdict): readonly string[] {
  return verdict.problems.map(({ word }) => word).sort();
}

test('a good pair is accepted with what is needed to serve and list it', () => {
  const { pair, problems, warnings } = check({ certificate: chain, key: good.keyPem });
  assert.deepEqual([problems, warnings], [[], []]);
  assert.ok(pair !== undefined);
  assert.deepEqual(pair.names, NAMES);
  assert.equal(pair.keyLabel, 'ECDSA P-256');
  assert.equal(pair.notAfterMs, NOW + days(60));
  assert.match(pair.fingerprint256, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(pair.certificate.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(!JSON.stringify(pair).includes('PRIVATE'));
});

test('keys in every PEM form are accepted, encrypted ones with their passphrase', () => {
  const leafOfRsa = leaf(root, NAMES, { key: rsa });
  const forms: readonly (readonly [string, string])[] = [
    [leafOfRsa.certificate, rsa.export({ type: 'pkcs1', format: 'pem' }).toString()],
    [good.certificate, good.key.export({ type: 'sec1', format: 'pem' }).toString()],
    [
      good.certificate,
      `-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n${good.keyPem}`,
    ],
    [
      good.certificate,
      good.key
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'opensesame' })
        .toString(),
    ],
    [
      leafOfRsa.certificate,
      rsa
        .export({ type: 'pkcs1', format: 'pem', cipher: 'aes-128-cbc', passphrase: 'opensesame' })
        .toString(),
    ],
    [good.certificate, `Bag Attributes\n  friendlyName: x\n${good.keyPem.replaceAll('\n', '\r\n')}`],
  ];
  for (const [certificate, key] of forms) {
    const verdict = check({ certificate, key, passphrase: 'opensesame' });
    assert.deepEqual(words(verdict), [], key.slice(0, 40));
    assert.match(verdict.pair?.key.reveal() ?? '', /^-----BEGIN PRIVATE KEY-----/);
  }
});

test('private authorities are welcome, with or without their root', () => {
  for (const certificate of [chain + root.certificate, leaf(root, NAMES, { key: good.key }).certificate]) {
    assert.deepEqual(check({ certificate, key: good.keyPem }).problems, []);
  }
});

test('a self-signed leaf, a near end and a wide wildcard are warnings', () => {
  const own = selfSigned(NAMES);
  const verdict = check({ certificate: own.certificate, key: own.keyPem });
  assert.deepEqual(verdict.problems, []);
  assert.deepEqual(
    verdict.warnings.map(({ word }) => word),
    ['self-signed'],
  );
  const near = leaf(root, ['*.localhost'], { notAfterMs: NOW + days(3) });
  const soon = check({ certificate: near.certificate, key: near.keyPem }, []);
  assert.deepEqual(
    soon.warnings.map(({ word }) => word),
    ['wildcard-wide', 'expires-soon'],
  );
});

function signedBy(options: Parameters<typeof leaf>[2], names: readonly string[] = NAMES): PemSource {
  const made = leaf(root, names, options);
  return { certificate: made.certificate, key: made.keyPem };
}

function under(parent: ReturnType<typeof authority>): PemSource {
  const made = leaf(parent, NAMES);
  return { certificate: made.certificate + parent.certificate, key: made.keyPem };
}

const mustStaple = { id: '1.3.6.1.5.5.7.1.24', value: encode(sequence(integer(Buffer.of(5)))) };
const issuerAt = {
  id: '1.3.6.1.5.5.7.1.1',
  value: encode(
    sequence(sequence(oid('1.3.6.1.5.5.7.48.2'), retagged(6, Buffer.from('http://ca.example/middle.crt')))),
  ),
};
const encrypted = good.key
  .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'right' })
  .toString();
const costly = toPem(
  'ENCRYPTED PRIVATE KEY',
  encode(
    sequence(
      sequence(
        oid('1.2.840.113549.1.5.13'),
        sequence(
          sequence(
            oid('1.2.840.113549.1.5.12'),
            sequence(retagged(4, Buffer.alloc(8)), integer(Buffer.from('7fffffff', 'hex'))),
          ),
          sequence(oid('2.16.840.1.101.3.4.1.42'), retagged(4, Buffer.alloc(16))),
        ),
      ),
      retagged(4, Buffer.alloc(48)),
    ),
  ),
);
const impostor = authority('Middle', { parent: root });
const clientOnly = signedBy({ usages: ['1.3.6.1.5.5.7.3.2'] });
const plain = leaf(root, ['plain.example.com']);
const underLeaf = leaf({ subject: 'plain.example.com', key: plain.key, certificate: '' }, NAMES);
const cut = good.certificate.slice(0, good.certificate.length - 40);
const damaged = good.certificate.replace(/\n(.{20})/, '\nAAAAAAAAAAAAAAAAAAAA');
const extraCas = Array.from(
  { length: 10 },
  (_, index) => authority(`Spare ${index}`, { key: root.key }).certificate,
).join('');
const csr = '-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n';
const publicPem = createPublicKey(good.key).export({ type: 'spki', format: 'pem' }).toString();
const ed25519 = generateKeyPairSync('ed25519').privateKey;

/** What is wrong -> the pair -> the words that must be told, all of them and no other. */
const BAD: Readonly<Record<string, readonly [PemSource, readonly string[], RegExp]>> = {
  'no certificate at all': [{ certificate: '', key: good.keyPem }, ['no-certificate'], /empty/],
  'text instead of a certificate': [
    { certificate: 'hello', key: good.keyPem },
    ['no-certificate'],
    /BEGIN CERTIFICATE/,
  ],
  'a certificate that was cut off': [{ certificate: cut, key: good.keyPem }, ['no-certificate'], /cut off/],
  'a damaged certificate': [
    { certificate: damaged, key: good.keyPem },
    ['certificate-unreadable'],
    /Certificate 1 is damaged/,
  ],
  'a signing request': [{ certificate: csr, key: good.keyPem }, ['no-certificate'], /signing request/],
  'certificate and key swapped': [
    { certificate: good.keyPem, key: chain },
    ['no-certificate', 'no-key'],
    /swapped/,
  ],
  'no key': [{ certificate: chain, key: '' }, ['no-key'], /BEGIN PRIVATE KEY/],
  'a public key': [{ certificate: chain, key: publicPem }, ['no-key'], /public key/],
  'a key that was cut off': [{ certificate: chain, key: good.keyPem.slice(0, 120) }, ['no-key'], /cut off/],
  'a damaged key': [
    { certificate: chain, key: good.keyPem.replace(/\n(.{20})/, '\nAAAAAAAAAAAAAAAAAAAA') },
    ['key-unreadable'],
    /damaged/,
  ],
  'several keys': [{ certificate: chain, key: good.keyPem + twoRsa }, ['several-keys'], /2 private keys/],
  'the key of another certificate': [
    { certificate: chain, key: pemOf(ecKey()) },
    ['key-mismatch'],
    /does not belong/,
  ],
  'a key of another type': [{ certificate: chain, key: twoRsa }, ['key-mismatch'], /does not belong/],
  'an encrypted key without passphrase': [
    { certificate: chain, key: encrypted },
    ['passphrase-missing'],
    /no passphrase/,
  ],
  'an encrypted key with a wrong passphrase': [
    { certificate: chain, key: encrypted, passphrase: 'wrong' },
    ['passphrase-wrong'],
    /does not open/,
  ],
  'a key whose passphrase takes for ever': [
    { certificate: chain, key: costly, passphrase: 'x' },
    ['passphrase-cost'],
    /iterations/,
  ],
  'an authority as leaf': [signedBy({ ca: true }), ['leaf-is-ca'], /must be of the server/],
  'a certificate for clients': [clientOnly, ['usage'], /serverAuth/],
  'must-staple': [signedBy({ extra: [mustStaple] }), ['must-staple'], /OCSP/],
  expired: [signedBy({ notAfterMs: NOW - 1000 }), ['expired'], /expired at 2030-01-14/],
  'not yet valid': [signedBy({ notBeforeMs: NOW + 1000 }), ['not-yet-valid'], /clock/],
  'signed with SHA-1': [signedBy({ hash: 'sha1' }), ['signature-weak'], /SHA-256/],
  'no host names': [
    signedBy({ subject: 'www.example.com' }, []),
    ['no-names'],
    /common name is not looked at/,
  ],
  'host names of something else': [
    signedBy({}, ['other.example.com']),
    ['names-uncovered', 'names-uncovered'],
    /www\.example\.com, which uses it; it covers other/,
  ],
  'a wildcard one label too high': [
    signedBy({}, ['www.example.com', '*.example.com']),
    ['names-uncovered'],
    /\*\.apps/,
  ],
  'a wildcard inside a label': [
    signedBy({}, [...NAMES, 'a*.example.com']),
    ['names-unusable'],
    /left-most label/,
  ],
  'an RSA key of 1024 bits': [signedBy({ key: rsaKey(1024) }), ['key-weak'], /1024 bits/],
  'an RSA key with exponent 3': [signedBy({ key: rsaKey(2048, 3) }), ['key-weak'], /exponent 3/],
  'a curve weaker than P-256': [signedBy({ key: ecKey('secp224r1') }), ['key-weak'], /secp224r1/],
  'a curve that browsers do not know': [signedBy({ key: ecKey('secp256k1') }), ['key-weak'], /secp256k1/],
  'an Ed25519 key': [signedBy({ key: ed25519 }), ['key-type'], /browsers/],
  'the chain before the leaf': [
    { certificate: middle.certificate + good.certificate, key: good.keyPem },
    ['chain-order'],
    /put "CN=www\.example\.com", then "CN=Middle"/,
  ],
  'root before intermediate': [
    { certificate: good.certificate + root.certificate + middle.certificate, key: good.keyPem },
    ['chain-order'],
    /then "CN=Middle", then "CN=Root"/,
  ],
  'a gap in the chain': [
    { certificate: good.certificate + root.certificate, key: good.keyPem },
    ['chain-missing', 'chain-stranger'],
    /"CN=Middle", which signed/,
  ],
  'no chain where the authority offers one': [
    signedBy({ extra: [issuerAt] }),
    ['chain-missing'],
    /http:\/\/ca\.example\/middle\.crt/,
  ],
  'a stranger in the chain': [
    { certificate: chain + plain.certificate, key: good.keyPem },
    ['chain-stranger'],
    /plain\.example\.com" did not sign/,
  ],
  'a certificate twice': [
    { certificate: chain + middle.certificate, key: good.keyPem },
    ['chain-double'],
    /twice/,
  ],
  'an authority of the right name and a wrong key': [
    { certificate: good.certificate + impostor.certificate, key: good.keyPem },
    ['signature-wrong'],
    /wrong certificate of this name/,
  ],
  'a leaf that signed another leaf': [
    { certificate: underLeaf.certificate + plain.certificate, key: underLeaf.keyPem },
    ['chain-not-ca'],
    /no authority/,
  ],
  'an expired authority': [
    under(authority('Old', { parent: root, notAfterMs: NOW - 1 })),
    ['expired'],
    /authority "CN=Old" expired/,
  ],
  'an authority that is not yet valid': [
    under(authority('Young', { parent: root, notBeforeMs: NOW + 1000 })),
    ['not-yet-valid'],
    /Young/,
  ],
  'an authority signed with SHA-1': [
    under(authority('Weak', { parent: root, hash: 'sha1' })),
    ['signature-weak'],
    /"CN=Weak"/,
  ],
  'an authority with a weak key': [
    under(authority('Small', { parent: root, key: rsaKey(1024) })),
    ['key-weak'],
    /Certificate 2/,
  ],
  'more than 10 certificates': [
    { certificate: good.certificate + extraCas, key: good.keyPem },
    [...Array(9).fill('chain-stranger'), 'chain-missing', 'too-many-certificates'].sort(),
    /at most 10/,
  ],
  'more than 1 MiB': [{ certificate: chain, key: ' '.repeat(1024 * 1024 + 1) }, ['too-large'], /1 MiB/],
};

test('the table has at least 25 kinds of bad pairs', () => assert.ok(Object.keys(BAD).length >= 25));

for (const [what, [source, expected, pattern]] of Object.entries(BAD)) {
  test(`refused and named: ${what}`, () => {
    const verdict = check(source);
    assert.deepEqual(words(verdict), expected, JSON.stringify(verdict.problems));
    assert.match(verdict.problems.map(({ text }) => text).join('\n'), pattern);
    for (const { text } of verdict.problems) assert.ok(!text.includes('PRIVATE KEY-----\n'));
  });
}

test('a signature with MD5 is refused', () => {
  const signer = authority('Root', { key: rsa });
  const made = leaf(signer, NAMES, { hash: 'md5' });
  assert.deepEqual(words(check({ certificate: made.certificate, key: made.keyPem })), ['signature-weak']);
});

test('all problems of a pair are told at once', () => {
  const bad = leaf(root, ['other.example.com'], {
    hash: 'sha1',
    notAfterMs: NOW - 1,
    key: rsaKey(1024),
    extra: [mustStaple],
  });
  const source = { certificate: bad.certificate + plain.certificate, key: encrypted };
  const expected = [
    'chain-stranger',
    'expired',
    'key-weak',
    'must-staple',
    'names-uncovered',
    'passphrase-missing',
    'signature-weak',
  ];
  assert.deepEqual(words(check(source, ['www.example.com'])), expected);
});

test('a thousand damaged uploads are refused without an exception', () => {
  const bytes = Buffer.from(chain + good.keyPem);
  for (let round = 0; round < 1000; round++) {
    const broken = Buffer.from(bytes);
    for (let flip = 0; flip < 3; flip++)
      broken[(round * 7919 + flip * 104729) % broken.length] = 32 + ((round + flip) % 90);
    const text = broken.toString('latin1');
    check({ certificate: text, key: text });
  }
});
