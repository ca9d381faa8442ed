import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPair, type Verdict } from '../../../src/certificates/certificate.ts';
import { type PemSource, readPair } from '../../../src/certificates/reading.ts';
import {
  BAD_PAIRS,
  chain,
  encrypted,
  good,
  HOSTS,
  mustStaple,
  NAMES,
  plain,
  root,
  rsa,
} from '../../fixtures/certificates/bad-pairs.ts';
import { authority, days, leaf, NOW, rsaKey, selfSigned } from '../../fixtures/certificates/pki.ts';
import { GOOD_CHAINS } from '../../fixtures/certificates/refused-chains.ts';

async function check(source: PemSource, hosts: readonly string[] = HOSTS): Promise<Verdict> {
  return checkPair(await readPair(source), { hosts, now: NOW });
}

function words(verdict: Verdict): readonly string[] {
  return verdict.problems.map(({ word }) => word).sort();
}

test('a good pair is accepted with what is needed to serve and list it', async () => {
  const { pair, problems, warnings } = await check({ certificate: chain, key: good.keyPem });
  assert.deepEqual([problems, warnings], [[], []]);
  assert.ok(pair !== undefined);
  assert.deepEqual(pair.names, NAMES);
  assert.equal(pair.keyLabel, 'ECDSA P-256');
  assert.equal(pair.notAfterMs, NOW + days(60));
  assert.match(pair.fingerprint256, /^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  assert.equal(pair.certificate.match(/BEGIN CERTIFICATE/g)?.length, 2);
  assert.ok(!JSON.stringify(pair).includes('PRIVATE'));
});

test('keys in every PEM form are accepted, encrypted ones with their passphrase', async () => {
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
    const verdict = await check({ certificate, key, passphrase: 'opensesame' });
    assert.deepEqual(words(verdict), [], key.slice(0, 40));
    assert.match(verdict.pair?.key.reveal() ?? '', /^-----BEGIN PRIVATE KEY-----/);
  }
});

test('private authorities are welcome, with or without their root', async () => {
  for (const certificate of [chain + root.certificate, leaf(root, NAMES, { key: good.key }).certificate]) {
    assert.deepEqual((await check({ certificate, key: good.keyPem })).problems, []);
  }
});

test('a self-signed leaf, a near end and a wide wildcard are warnings', async () => {
  const own = selfSigned(NAMES);
  const verdict = await check({ certificate: own.certificate, key: own.keyPem });
  assert.deepEqual(verdict.problems, []);
  assert.deepEqual(
    verdict.warnings.map(({ word }) => word),
    ['self-signed'],
  );
  const near = leaf(root, ['*.localhost'], { notAfterMs: NOW + days(3) });
  const soon = await check({ certificate: near.certificate, key: near.keyPem }, []);
  assert.deepEqual(
    soon.warnings.map(({ word }) => word),
    ['wildcard-wide', 'expires-soon'],
  );
});

for (const [what, [source, expected, pattern]] of Object.entries(BAD_PAIRS)) {
  test(`refused and named: ${what}`, async () => {
    const verdict = await check(source);
    assert.deepEqual(words(verdict), expected, JSON.stringify(verdict.problems));
    assert.match(verdict.problems.map(({ text }) => text).join('\n'), pattern);
    for (const { text } of verdict.problems) assert.ok(!text.includes('PRIVATE KEY-----\n'));
  });
}

for (const [what, source] of Object.entries(GOOD_CHAINS)) {
  test(`accepted: ${what}`, async () => assert.deepEqual(words(await check(source)), []));
}

test('a signature with MD5 is refused', async () => {
  const signer = authority('Root', { key: rsa });
  const made = leaf(signer, NAMES, { hash: 'md5' });
  assert.deepEqual(words(await check({ certificate: made.certificate, key: made.keyPem })), [
    'signature-weak',
  ]);
});

test('all problems of a pair are told at once', async () => {
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
  assert.deepEqual(words(await check(source, ['www.example.com'])), expected);
});

test('a thousand damaged uploads are refused without an exception', async () => {
  const bytes = Buffer.from(chain + good.keyPem);
  for (let round = 0; round < 1000; round++) {
    const broken = Buffer.from(bytes);
    for (let flip = 0; flip < 3; flip++)
      broken[(round * 7919 + flip * 104729) % broken.length] = 32 + ((round + flip) % 90);
    const text = broken.toString('latin1');
    await check({ certificate: text, key: text });
  }
});
