import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { encode } from '../../src/certificates/der.ts';
import { toPem } from '../../src/certificates/x509-builder.ts';
import { BAD_PAIRS, chain, good, middle, NAMES, root } from '../fixtures/certificates/bad-pairs.ts';
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
} from '../fixtures/certificates/bombs.ts';
import { leaf } from '../fixtures/certificates/pki.ts';
import { ask } from '../support/ask.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { watchLoop } from '../support/loop-watch.ts';

const SITE = '/v1/certificates/site';
const served = leaf(middle, NAMES);
const folder = mkdtempSync(join(tmpdir(), 'sp-bad-'));
let house: TestGateway;
let fingerprint: string;

before(async () => {
  house = await startTestGateway({
    yaml: `certificates: [{ name: site, uploaded: true }]
routes: [{ host: [${NAMES.map((name) => JSON.stringify(name)).join(', ')}, "*"], upstream: "internal:whoami", public: true }]
`,
  });
  const { status } = await house.call('PUT', SITE, {
    certificate: served.certificate + middle.certificate,
    key: served.keyPem,
  });
  assert.equal(status, 200);
  fingerprint = await seen();
});
after(async () => {
  await house.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Gives the fingerprint that a new handshake sees. */
function seen(): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port: house.port, servername: 'www.example.com' };
    const socket = connect({ ...options, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

function problemsOf(body: unknown): readonly string[] {
  const problems: unknown = typeof body === 'object' && body !== null ? Reflect.get(body, 'problems') : [];
  return Array.isArray(problems) ? problems.map(String) : [];
}

/** Makes a bundle of the good pair as an operator does. */
function bundle(more: readonly string[]): Buffer {
  writeFileSync(join(folder, 'leaf.pem'), good.certificate);
  writeFileSync(join(folder, 'key.pem'), good.keyPem);
  const files = ['-in', join(folder, 'leaf.pem'), '-inkey', join(folder, 'key.pem')];
  return execFileSync('openssl', ['pkcs12', '-export', ...files, '-passout', 'pass:opensesame', ...more], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
}

const of = (bytes: Buffer, passphrase?: string) => ({
  pkcs12: bytes.toString('base64'),
  ...(passphrase === undefined ? {} : { passphrase }),
});

/** A PEM upload with this key and a passphrase. */
const pem = (key: string) => ({ certificate: chain, key, passphrase: 'x' });

/** What is wrong -> what is uploaded -> what the answer must say. */
const BUNDLES: Readonly<Record<string, readonly [() => object, RegExp]>> = {
  'a bundle with a wrong passphrase': [() => of(bundle([]), 'wrong'), /does not open/],
  'a bundle without its passphrase': [() => of(bundle([])), /no passphrase/],
  'a bundle without key': [() => of(bundle(['-nokeys']), 'opensesame'), /key/],
  'a bundle whose MAC takes for ever': [() => of(bundleOf([], macOf(2 ** 31 - 1)), 'x'), /iterations/],
  'a bundle whose MAC is endless': [() => of(bundleOf([], macOf(1999, 200_000)), 'x'), /damaged/],
  'a bundle whose key takes scrypt for ever': [
    () => of(bundleUnder(scrypt(8192, 1, 20_000)), 'x'),
    /p = 20000/,
  ],
  'a bundle whose key takes PBKDF2 for ever': [() => of(bundleUnder(pbkdf2(2 ** 31 - 1)), 'x'), /iterations/],
  'a bundle whose key takes 3DES for ever': [() => of(bundleUnder(pbe(2 ** 31 - 1)), 'x'), /iterations/],
  'a bundle with a key that takes for ever': [
    () => of(bundleWith(dsaKey(32_768)), 'x'),
    /browsers do not accept/,
  ],
  'a bundle that is a bomb of structures': [() => of(nested(200), 'x'), /PKCS#12/],
  'a bundle that is a bomb of values': [() => of(crowded(120_000), 'x'), /PKCS#12/],
  'a bundle that is a bomb of bags': [() => of(bagBomb(), 'x'), /PKCS#12/],
  'a bundle of 300 KiB': [() => of(Buffer.alloc(300 * 1024), 'x'), /256 KiB/],
  'a key that takes scrypt for ever': [() => pem(keyUnder(scrypt(8192, 1, 20_000))), /p = 20000/],
  'a key that takes PBKDF2 for ever': [() => pem(keyUnder(pbkdf2(2 ** 31 - 1))), /iterations/],
  'a key that takes 3DES for ever': [() => pem(keyUnder(pbe(2 ** 31 - 1))), /iterations/],
  'a key that takes for ever without encryption': [
    () => pem(toPem('PRIVATE KEY', encode(dsaKey(32_768)))),
    /browsers do not accept/,
  ],
  'a key that is a bomb of structures': [() => pem(toPem('PRIVATE KEY', nested(1000))), /damaged/],
  'a certificate that is a bomb of structures': [
    () => ({ certificate: toPem('CERTIFICATE', nested(1000)), key: good.keyPem }),
    /Certificate 1 is damaged/,
  ],
  'a certificate whose key takes for ever': [
    () => ({ certificate: certificateOf(400_000, 300_000), key: good.keyPem }),
    /Certificate 1 has a key larger than 4 KiB/,
  ],
  'garbage instead of a bundle': [() => of(Buffer.alloc(3000, 0x5a), 'x'), /PKCS#12/],
  'PEM instead of a bundle': [() => of(Buffer.from(good.keyPem), 'x'), /PKCS#12/],
};

/** Uploads something bad: it is refused, meanwhile everybody else is served, and afterwards what was served before. */
async function refused(body: unknown, status = 422): Promise<readonly string[]> {
  const { result, longestMs } = await watchLoop(() =>
    Promise.all([
      house.call('PUT', SITE, body),
      ask({ port: house.port, ca: root.certificate }, { host: 'www.example.com' }),
    ]),
  );
  const [answer, meanwhile] = result;
  assert.equal(answer.status, status, JSON.stringify(answer.body));
  assert.deepEqual([meanwhile.status, meanwhile.fingerprint256], [200, fingerprint]);
  // Far above what a loaded machine needs, far below what one of the bombs takes.
  assert.ok(longestMs < 1000, `nobody was served for ${longestMs} ms`);
  assert.equal(await seen(), fingerprint, 'the old certificate is still served');
  const text = JSON.stringify(answer.body);
  const keyLine = good.keyPem.split('\n')[1] ?? '';
  assert.ok(!text.includes(keyLine) && !text.includes('opensesame'), text);
  return problemsOf(answer.body);
}

for (const [what, [source, expected, pattern]] of Object.entries(BAD_PAIRS)) {
  test(`an upload is refused, every problem is named and the old certificate served on: ${what}`, async () => {
    const problems = await refused(source);
    assert.equal(problems.length, expected.length, problems.join('\n'));
    assert.match(problems.join('\n'), pattern);
  });
}

for (const [what, [make, pattern]] of Object.entries(BUNDLES)) {
  test(`an upload is refused, every problem is named and the old certificate served on: ${what}`, async () => {
    assert.match((await refused(make())).join('\n'), pattern);
  });
}

test('5 MB of PEM are refused before they are looked at, and the bound is told', async () => {
  const certificate = chain.repeat(Math.ceil((5 * 1024 * 1024) / chain.length));
  assert.match((await refused({ certificate, key: good.keyPem }, 413)).join('\n'), /larger than 2 MiB/);
});

test('an upload that the endpoint does not know the shape of is refused', async () => {
  for (const body of [
    {},
    [],
    'text',
    { certificate: chain },
    { certificate: 1, key: 2 },
    { certificate: chain, key: good.keyPem, more: 1 },
  ]) {
    const { status } = await house.call('PUT', SITE, body);
    assert.ok(status === 400 || status === 422, `${JSON.stringify(body).slice(0, 40)}: ${status}`);
    assert.equal(await seen(), fingerprint);
  }
});

test('the corpus has at least 80 kinds', () => {
  assert.ok(Object.keys(BAD_PAIRS).length + Object.keys(BUNDLES).length >= 80);
});
