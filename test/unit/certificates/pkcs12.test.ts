import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkPair } from '../../../src/certificates/certificate.ts';
import {
  bits,
  encode,
  integer,
  octets,
  oid,
  retagged,
  sequence,
  set,
  tagged,
} from '../../../src/certificates/der.ts';
import { readPkcs12 } from '../../../src/certificates/pkcs12.ts';
import { authority, ecKey, leaf, NOW, pemOf, rsaKey } from '../../fixtures/certificates/pki.ts';

const folder = mkdtempSync(join(tmpdir(), 'sp-p12-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const root = authority('Root');
const middle = authority('Middle', { parent: root });
const ec = leaf(middle, ['www.example.com']);
const rsa = leaf(middle, ['www.example.com'], { key: rsaKey() });

/** Makes a bundle as an operator does. */
function bundle(
  made: typeof ec,
  chain: string,
  options: readonly string[],
  passphrase = 'öpen sesame',
): Buffer {
  const files = {
    leaf: join(folder, 'leaf.pem'),
    key: join(folder, 'key.pem'),
    chain: join(folder, 'chain.pem'),
  };
  writeFileSync(files.leaf, made.certificate);
  writeFileSync(files.key, made.keyPem);
  writeFileSync(files.chain, chain);
  const chained = chain === '' ? [] : ['-certfile', files.chain];
  const base = [
    'pkcs12',
    '-export',
    '-in',
    files.leaf,
    '-inkey',
    files.key,
    ...chained,
    '-passout',
    `pass:${passphrase}`,
  ];
  return execFileSync('openssl', [...base, ...options], { stdio: ['ignore', 'pipe', 'ignore'] });
}

const KINDS: Readonly<Record<string, readonly string[]>> = {
  'modern (AES-256, SHA-256)': [],
  'AES-128 with SHA-512': ['-keypbe', 'AES-128-CBC', '-certpbe', 'AES-128-CBC', '-macalg', 'sha512'],
  'legacy (3DES key, RC2-40 certificates, SHA-1)': ['-legacy'],
  '3DES for both': ['-keypbe', 'PBE-SHA1-3DES', '-certpbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
  'unencrypted certificates': ['-certpbe', 'NONE'],
  'many iterations': ['-iter', '100000'],
  'without MAC': ['-nomac'],
};

for (const [kind, options] of Object.entries(KINDS)) {
  test(`a PKCS#12 bundle is read: ${kind}, RSA and EC`, async () => {
    for (const made of [ec, rsa]) {
      // The chain is given the wrong way round: a bundle has no order.
      const bytes = bundle(made, root.certificate + middle.certificate, options);
      const reading = await readPkcs12({ pkcs12: bytes.toString('base64'), passphrase: 'öpen sesame' });
      assert.deepEqual(reading.problems, []);
      assert.deepEqual(
        reading.certificates.map(({ subject }) => subject),
        ['CN=www.example.com', 'CN=Middle', 'CN=Root'],
      );
      const { pair, problems } = checkPair(reading, { hosts: ['www.example.com'], now: NOW });
      assert.deepEqual(problems, []);
      assert.equal(pair?.key.reveal(), made.keyPem);
    }
  });
}

async function wordsOf(pkcs12: string | Uint8Array, passphrase?: string): Promise<readonly string[]> {
  return (await readPkcs12({ pkcs12, passphrase })).problems.map(({ word }) => word);
}

test('wrong and missing passphrases are told apart, in every kind', async () => {
  for (const options of Object.values(KINDS)) {
    const bytes = bundle(ec, '', options);
    assert.deepEqual(await wordsOf(bytes, 'wrong'), ['passphrase-wrong']);
    assert.deepEqual(await wordsOf(bytes), ['passphrase-missing']);
  }
});

test('a bundle with an empty passphrase needs none', async () => {
  assert.deepEqual(await wordsOf(bundle(ec, '', [], '')), []);
});

test('a bundle without key and one without certificate are told apart', async () => {
  assert.deepEqual(await wordsOf(bundle(ec, '', ['-nokeys']), 'öpen sesame'), ['no-key']);
  writeFileSync(join(folder, 'only.pem'), ec.keyPem);
  const only = execFileSync(
    'openssl',
    ['pkcs12', '-export', '-nocerts', '-inkey', join(folder, 'only.pem'), '-passout', 'pass:x'],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  assert.deepEqual(await wordsOf(only, 'x'), ['no-certificate']);
});

test('the key of another certificate is a mismatch', async () => {
  const reading = await readPkcs12({ pkcs12: bundle(ec, '', []), passphrase: 'öpen sesame' });
  const mixed = { ...reading, key: ecKey() };
  assert.deepEqual(
    checkPair(mixed, { hosts: [], now: NOW }).problems.map(({ word }) => word),
    ['key-mismatch'],
  );
});

test('what is no bundle is refused with one clear problem', async () => {
  for (const bad of [
    '',
    '!!',
    'AAAA',
    Buffer.alloc(0),
    Buffer.from('3000', 'hex'),
    Buffer.from(pemOf(ecKey())),
  ]) {
    assert.deepEqual(await wordsOf(bad), ['pkcs12-unreadable']);
  }
});

test('size, nesting and iterations are bounded before work is done', async () => {
  assert.deepEqual(await wordsOf(Buffer.alloc(1024 * 1024 + 1)), ['too-large']);
  assert.deepEqual(await wordsOf('A'.repeat(2_000_000)), ['too-large']);
  let nested: Uint8Array = Buffer.from('0500', 'hex');
  for (let depth = 0; depth < 60_000; depth++) {
    const length = Buffer.from([0x84, 0, 0, 0, 0]);
    length.writeUInt32BE(Math.min(nested.length, 0xffffff), 1);
    if (depth > 200) break;
    nested = Buffer.concat([Buffer.of(0x30), length, nested]);
  }
  assert.deepEqual(await wordsOf(nested), ['pkcs12-unreadable']);
  for (const iterations of ['7fffffff', '00ffffffffff', '00ffffffffffffffffffff']) {
    const mac = sequence(
      sequence(sequence(oid('2.16.840.1.101.3.4.2.1')), octets(Buffer.alloc(32))),
      octets(Buffer.alloc(8)),
      integer(Buffer.from(iterations, 'hex')),
    );
    const safes = sequence(oid('1.2.840.113549.1.7.1'), tagged(0, octets(encode(sequence()))));
    const bytes = encode(sequence(integer(Buffer.of(3)), safes, mac));
    assert.deepEqual(await wordsOf(bytes, 'x'), ['passphrase-cost']);
  }
});

test('bundles made to mislead are refused: other structures, unknown algorithms', async () => {
  const misleading = [
    sequence(integer(Buffer.of(4)), sequence()),
    sequence(
      integer(Buffer.of(3)),
      sequence(oid('1.2.840.113549.1.7.2'), tagged(0, octets(Buffer.alloc(3)))),
    ),
    sequence(integer(Buffer.of(3)), sequence(oid('1.2.840.113549.1.7.1'), tagged(0, bits(Buffer.alloc(3))))),
    set(integer(Buffer.of(3)), retagged(0, Buffer.alloc(2))),
  ];
  for (const node of misleading) assert.deepEqual(await wordsOf(encode(node), 'x'), ['pkcs12-unreadable']);
});

test('a thousand damaged bundles are refused without an exception', async () => {
  const bytes = bundle(ec, middle.certificate, ['-iter', '1']);
  for (let round = 0; round < 1000; round++) {
    const broken = Buffer.from(bytes);
    const at = (round * 7919) % broken.length;
    broken[at] = ((broken[at] ?? 0) + 1 + (round % 250)) & 0xff;
    const { problems } = await readPkcs12({
      pkcs12: broken.subarray(0, round % 5 === 0 ? at : undefined),
      passphrase: 'öpen sesame',
    });
    assert.ok(problems.length <= 3);
  }
});
