import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { encode, integer, octets, oid, sequence, tagged } from '../../src/certificates/der.ts';
import { BAD_PAIRS, chain, good, middle, NAMES } from '../fixtures/certificates/bad-pairs.ts';
import { leaf } from '../fixtures/certificates/pki.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

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

function bomb(iterations: string): Buffer {
  const hash = sequence(sequence(oid('2.16.840.1.101.3.4.2.1')), octets(Buffer.alloc(32)));
  const mac = sequence(hash, octets(Buffer.alloc(8)), integer(Buffer.from(iterations, 'hex')));
  const safes = sequence(oid('1.2.840.113549.1.7.1'), tagged(0, octets(encode(sequence()))));
  return encode(sequence(integer(Buffer.of(3)), safes, mac));
}

function nested(): Buffer {
  let inner = Buffer.from('0500', 'hex');
  for (let depth = 0; depth < 200; depth++) {
    const length = Buffer.from([0x84, 0, 0, 0, 0]);
    length.writeUInt32BE(inner.length, 1);
    inner = Buffer.concat([Buffer.of(0x30), length, inner]);
  }
  return inner;
}

const of = (bytes: Buffer, passphrase?: string) => ({
  pkcs12: bytes.toString('base64'),
  ...(passphrase === undefined ? {} : { passphrase }),
});

/** What is wrong -> what is uploaded -> what the answer must say. */
const BUNDLES: Readonly<Record<string, readonly [() => object, RegExp]>> = {
  'a bundle with a wrong passphrase': [() => of(bundle([]), 'wrong'), /does not open/],
  'a bundle without its passphrase': [() => of(bundle([])), /no passphrase/],
  'a bundle without key': [() => of(bundle(['-nokeys']), 'opensesame'), /key/],
  'a bundle whose passphrase takes for ever': [() => of(bomb('7fffffff'), 'x'), /iterations/],
  'a bundle that is a bomb of structures': [() => of(nested(), 'x'), /PKCS#12/],
  'garbage instead of a bundle': [() => of(Buffer.alloc(3000, 0x5a), 'x'), /PKCS#12/],
  'PEM instead of a bundle': [() => of(Buffer.from(good.keyPem), 'x'), /PKCS#12/],
};

async function refused(body: unknown, status = 422): Promise<readonly string[]> {
  const answer = await house.call('PUT', SITE, body);
  assert.equal(answer.status, status, JSON.stringify(answer.body));
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

test('5 MB of PEM are refused before they are looked at', async () => {
  const certificate = chain.repeat(Math.ceil((5 * 1024 * 1024) / chain.length));
  const answer = await house.call('PUT', SITE, { certificate, key: good.keyPem });
  assert.ok([413, 422].includes(answer.status), String(answer.status));
  assert.equal(await seen(), fingerprint);
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

test('the corpus has at least 40 kinds', () => {
  assert.ok(Object.keys(BAD_PAIRS).length + Object.keys(BUNDLES).length >= 50);
});
