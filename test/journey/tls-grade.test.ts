import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { mustStaple } from '../fixtures/certificates/bad-pairs.ts';
import { authority, leaf, rsaKey } from '../fixtures/certificates/pki.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

/** What a grader of TLS servers looks at, asked with OpenSSL's own client. */

const folder = mkdtempSync(join(tmpdir(), 'sp-grade-'));
const root = authority('Grade Root');
const middle = authority('Grade Middle', { parent: root });
const site = leaf(middle, ['site.test', '*.site.test']);
const siteRsa = leaf(middle, ['site.test', '*.site.test'], { key: rsaKey() });
const trust = join(folder, 'root.crt');
let house: TestGateway;

before(async () => {
  writeFileSync(trust, root.certificate);
  house = await startTestGateway({
    yaml: `certificates:
  - { name: site, uploaded: true }
  - { name: site-rsa, uploaded: true }
  - { name: strict, tls: modern, dev: { names: [strict.test] } }
routes:
  - { host: [site.test, a.site.test, strict.test], upstream: "internal:whoami", public: true }
`,
  });
  for (const [name, pair] of [
    ['site', site],
    ['site-rsa', siteRsa],
  ] as const) {
    const upload = { certificate: pair.certificate + middle.certificate, key: pair.keyPem };
    const { status, body } = await house.call('PUT', `/v1/certificates/${name}`, upload);
    assert.equal(status, 200, JSON.stringify(body));
  }
});
after(async () => {
  await house.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Graded {
  /** Whether a handshake came about. */
  readonly shaken: boolean;
  readonly protocol: string;
  readonly cipher: string;
  readonly text: string;
}

/** Shakes hands once as `openssl s_client` does with these options. @param input - typed into it */
function grade(options: readonly string[], input = ''): Promise<Graded> {
  const named = options.includes('-noservername') || options.includes('-servername');
  const all = [
    's_client',
    '-connect',
    `127.0.0.1:${house.port}`,
    ...(named ? [] : ['-servername', 'site.test']),
    ...options,
  ];
  return new Promise((resolve, reject) => {
    const client = spawn('openssl', all, { stdio: ['pipe', 'pipe', 'pipe'] });
    const timer = setTimeout(() => client.kill(), 4_000);
    let text = '';
    for (const stream of [client.stdout, client.stderr]) {
      stream.setEncoding('utf8').on('data', (part: string) => {
        text += part;
      });
    }
    client.on('error', reject);
    client.stdin.on('error', () => {});
    client.stdin.end(input);
    client.on('close', () => {
      clearTimeout(timer);
      const [, protocol = '', cipher = ''] = /^New, (\S+), Cipher is (.+)$/m.exec(text) ?? [];
      resolve({ shaken: cipher !== '' && cipher !== '(NONE)', protocol, cipher, text });
    });
  });
}

/** Grades several at a time, each with its own options. */
async function gradeAll(asked: readonly (readonly string[])[]): Promise<readonly Graded[]> {
  const found: Graded[] = [];
  for (let at = 0; at < asked.length; at += 4) {
    found.push(...(await Promise.all(asked.slice(at, at + 4).map((options) => grade(options)))));
  }
  return found;
}

test('no protocol below TLS 1.2 is spoken, TLS 1.2 and 1.3 are, and a name may demand 1.3', async () => {
  const weakest = ['-cipher', 'ALL:@SECLEVEL=0'];
  const [old, older, tls12, tls13, strict12, strict13] = await gradeAll([
    ['-tls1', ...weakest],
    ['-tls1_1', ...weakest],
    ['-tls1_2'],
    ['-tls1_3'],
    ['-tls1_2', '-servername', 'strict.test'],
    ['-tls1_3', '-servername', 'strict.test'],
  ]);
  assert.deepEqual([old?.shaken, older?.shaken], [false, false]);
  assert.deepEqual([tls12?.shaken, tls12?.protocol], [true, 'TLSv1.2']);
  assert.deepEqual([tls13?.shaken, tls13?.protocol], [true, 'TLSv1.3']);
  assert.deepEqual([strict12?.shaken, strict13?.shaken], [false, true]);
});

const STRONG = /^ECDHE-(?:ECDSA|RSA)-(?:AES(?:128|256)-GCM-SHA(?:256|384)|CHACHA20-POLY1305)$/;
const TLS13 = /^TLS_/;

test('of every cipher that OpenSSL knows, only those with forward secrecy and authenticated encryption are spoken', async () => {
  const known = execFileSync('openssl', ['ciphers', 'ALL:COMPLEMENTOFALL:@SECLEVEL=0'], { encoding: 'utf8' });
  const old = known
    .trim()
    .split(':')
    .filter((cipher) => !TLS13.test(cipher));
  assert.ok(old.length > 100, `${old.length} ciphers`);
  // A client without ECDSA suites is one that knows no ECDSA: the RSA certificate is chosen by its signatures.
  const rsaOnly = ['-sigalgs', 'RSA-PSS+SHA256:RSA+SHA256'];
  const found = await gradeAll(
    old.map((cipher) => [
      '-tls1_2',
      '-cipher',
      `${cipher}:@SECLEVEL=0`,
      ...(cipher.startsWith('ECDHE-RSA') ? rsaOnly : []),
    ]),
  );
  const spoken = old.filter((_, i) => found[i]?.shaken === true);
  assert.deepEqual(
    spoken.filter((cipher) => !STRONG.test(cipher)),
    [],
  );
  assert.deepEqual(
    spoken,
    old.filter((cipher) => STRONG.test(cipher)),
  );
  for (const [i, cipher] of old.entries()) {
    if (found[i]?.shaken)
      assert.match(found[i].text, /^Server Temp Key: /m, `${cipher} has no forward secrecy`);
  }
});

test('TLS 1.3 speaks its three strong suites and no short-tagged one', async () => {
  const suites = {
    TLS_AES_128_GCM_SHA256: true,
    TLS_AES_256_GCM_SHA384: true,
    TLS_CHACHA20_POLY1305_SHA256: true,
    TLS_AES_128_CCM_SHA256: false,
    TLS_AES_128_CCM_8_SHA256: false,
  };
  const found = await gradeAll(Object.keys(suites).map((suite) => ['-tls1_3', '-ciphersuites', suite]));
  assert.deepEqual(
    found.map(({ shaken }) => shaken),
    Object.values(suites),
  );
});

test('weak groups and signatures are refused, strong ones are not', async () => {
  const groups = {
    X25519: true,
    'P-256': true,
    'P-384': true,
    'P-521': false,
    X448: false,
    ffdhe2048: false,
  };
  const found = await gradeAll(Object.keys(groups).map((group) => ['-groups', group]));
  assert.deepEqual(
    found.map(({ shaken }) => shaken),
    Object.values(groups),
  );
  const [sha1, sha256] = await gradeAll([
    ['-tls1_2', '-sigalgs', 'RSA+SHA1:ECDSA+SHA1', '-cipher', 'ALL:@SECLEVEL=0'],
    ['-tls1_2', '-sigalgs', 'ECDSA+SHA256'],
  ]);
  assert.deepEqual([sha1?.shaken, sha256?.shaken], [false, true]);
});

test('the chain is complete, in order and without its root, for the key that the client can check', async () => {
  const verified = ['-CAfile', trust, '-verify_return_error', '-verify_hostname', 'site.test', '-showcerts'];
  const ecdsa = await grade(verified);
  assert.match(ecdsa.text, /Verify return code: 0 \(ok\)/);
  assert.match(ecdsa.text, /Peer signature type: ECDSA/);
  assert.equal(ecdsa.text.match(/BEGIN CERTIFICATE/g)?.length, 2);
  const rsa = await grade([...verified, '-sigalgs', 'RSA-PSS+SHA256']);
  assert.match(rsa.text, /Verify return code: 0 \(ok\)/);
  assert.match(rsa.text, /Peer signature type: RSA-PSS/);
});

test('the server name decides, and an absent or unknown one gets no certificate', async () => {
  const [wildcard, strict, none, unknown] = await gradeAll([
    [
      '-servername',
      'a.site.test',
      '-CAfile',
      trust,
      '-verify_return_error',
      '-verify_hostname',
      'a.site.test',
    ],
    ['-servername', 'strict.test'],
    ['-noservername'],
    ['-servername', 'nowhere.test'],
  ]);
  assert.match(wildcard?.text ?? '', /Verify return code: 0 \(ok\)/);
  assert.match(strict?.text ?? '', /subject=.*strict\.test/);
  for (const nobody of [none, unknown]) {
    assert.equal(nobody?.shaken, false);
    assert.ok(!nobody?.text.includes('BEGIN CERTIFICATE'));
  }
});

test('nothing is compressed, early data is not taken, and a renegotiation is refused', async () => {
  for (const protocol of ['-tls1_2', '-tls1_3']) {
    const { text, shaken } = await grade([protocol, '-comp', '-legacy_renegotiation']);
    assert.ok(shaken);
    assert.match(text, /^Compression: NONE$/m);
    assert.match(text, /Secure Renegotiation IS (?:supported|NOT supported)/);
    assert.ok(!/Max Early Data: [1-9]/.test(text));
  }
  const secure = await grade(['-tls1_2']);
  assert.match(secure.text, /Secure Renegotiation IS supported/);
  const { text } = await grade(['-tls1_2'], 'R\nGET / HTTP/1.1\r\n');
  assert.match(text, /RENEGOTIATING/);
  assert.match(text, /no renegotiation|unexpected|alert|error:/i);
});

test('a downgrade is noticed', async () => {
  // RFC 7507: a client that falls back although a newer protocol would have been spoken.
  const { shaken } = await grade(['-tls1_2', '-fallback_scsv']);
  assert.equal(shaken, false);
});

test('nothing is stapled, and a certificate that demands it is refused with a clear word', async () => {
  const { text } = await grade(['-status']);
  assert.match(text, /OCSP response: no response sent/);
  const demanding = leaf(middle, ['site.test', '*.site.test'], { extra: [mustStaple] });
  const upload = { certificate: demanding.certificate + middle.certificate, key: demanding.keyPem };
  const answer = await house.call('PUT', '/v1/certificates/site', upload);
  assert.equal(answer.status, 422);
  assert.match(
    JSON.stringify(answer.body),
    /OCSP stapling, which is not offered: order it without must-staple/,
  );
});
