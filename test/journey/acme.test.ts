import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { AcmeFront } from '../support/acme-front.ts';
import { acmeHouse, handshake, waitForPair } from '../support/acme-house.ts';

for (const challenge of ['http-01', 'tls-alpn-01'] as const) {
  test(`a certificate is ordered by ${challenge}, and clients that trust nothing but the CA's root accept its chain`, async (t) => {
    const { house, pebble, tlsPort } = await acmeHouse(t, { challenge, names: ['a.test', 'b.test'] });
    assert.equal((await handshake(tlsPort, 'a.test', await pebble.root())).failed, true);
    const root = await waitForPair(tlsPort, 'a.test', pebble);
    const { peer } = await handshake(tlsPort, 'b.test', root);
    assert.deepEqual(peer?.subjectaltname?.split(', ').sort(), ['DNS:a.test', 'DNS:b.test']);
    const list = await house.call('GET', '/v1/certificates');
    assert.match(JSON.stringify(list.body), /"name":"a\.test".*"source":"acme"/);
    assert.match(await curl(tlsPort, 'b.test', root), /^200 [12]/);
  });
}

test('after the order nobody proves anything: the token is gone and acme-tls/1 is refused', async (t) => {
  const { pebble, tlsPort, httpPort, house } = await acmeHouse(t, {
    challenge: 'tls-alpn-01',
    names: ['a.test'],
  });
  await waitForPair(tlsPort, 'a.test', pebble);
  const alpn = await sClient(tlsPort, ['-alpn', 'acme-tls/1']);
  assert.match(alpn, /alert|unexpected eof|no peer certificate/i);
  assert.doesNotMatch(alpn, /BEGIN CERTIFICATE/);
  assert.match(await sClient(tlsPort, ['-alpn', 'acme-tls/1,h2']), /ALPN protocol: h2/);
  const answer = await fetch(`http://127.0.0.1:${httpPort}/.well-known/acme-challenge/${'x'.repeat(43)}`, {
    redirect: 'manual',
    headers: { host: 'a.test' },
  });
  assert.ok([308, 400].includes(answer.status), String(answer.status));
  assert.equal((await house.call('GET', '/readyz')).status, 200);
});

test('a wildcard is ordered by dns-01 with the hook command, which cleans up after itself', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hook-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const hook = join(folder, 'set-txt');
  const calls = join(folder, 'calls');
  const more = `hook: ["${hook}", "--zone"]`;
  const names = ['*.w.test', 'w.test'];
  const { pebble, tlsPort } = await acmeHouse(t, {
    challenge: 'dns-01',
    names,
    more,
    prepare: ({ textFile }) => {
      writeFileSync(hook, script(textFile, calls));
      chmodSync(hook, 0o755);
    },
  });
  const root = await waitForPair(tlsPort, 'any.w.test', pebble);
  assert.equal((await handshake(tlsPort, 'w.test', root)).failed, false);
  const lines = readFileSync(calls, 'utf8').trim().split('\n');
  assert.deepEqual(
    lines.map((line) => line.split(' ').slice(0, 3).join(' ')),
    [
      '--zone present _acme-challenge.w.test',
      '--zone cleanup _acme-challenge.w.test',
      '--zone present _acme-challenge.w.test',
      '--zone cleanup _acme-challenge.w.test',
    ],
  );
  assert.equal(readFileSync(pebble.textFile, 'utf8').trim(), '');
});

test('an account is bound to the external account that the CA demands, with an RSA key for the certificate', async (t) => {
  const key = Buffer.alloc(32, 7).toString('base64url');
  const { pebble, tlsPort } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['a.test'],
    more: 'keyType: rsa, eab: { kid: kid-1, key: { env: EAB_KEY } }',
    env: { EAB_KEY: key },
    pebble: { externalAccounts: { 'kid-1': key } },
  });
  const root = await waitForPair(tlsPort, 'a.test', pebble);
  const { peer } = await handshake(tlsPort, 'a.test', root);
  assert.equal(peer?.bits, 2048);
});

test('a certificate is renewed after two thirds of its life, while every handshake gets one that holds', async (t) => {
  const pebble = { lifeSec: 15 };
  const { house, tlsPort, ...ca } = await acmeHouse(t, { challenge: 'http-01', names: ['a.test'], pebble });
  const root = await waitForPair(tlsPort, 'a.test', ca.pebble);
  const first = (await handshake(tlsPort, 'a.test', root)).peer;
  const startSec = Date.parse(first?.valid_from ?? '') / 1000;
  let next = first;
  while (next?.fingerprint256 === first?.fingerprint256) {
    assert.ok(Date.now() / 1000 < startSec + 15, 'it is renewed before it ends');
    const shaken = await handshake(tlsPort, 'a.test', root);
    assert.equal(shaken.failed, false);
    next = shaken.peer;
    await sleep(50);
  }
  const renewedSec = Date.parse(next?.valid_from ?? '') / 1000;
  assert.ok(renewedSec - startSec >= 9 && renewedSec - startSec < 14, `${renewedSec - startSec} s`);
  const { body } = await house.call('GET', '/metrics');
  assert.match(String(body), /certificate_orders_total\{outcome="ordered"\} 2/);
});

test('of the nonces each second one is bad: the CA refuses every message once, and fills one order', async (t) => {
  let [answers, refused] = [0, 0];
  const through = (front: AcmeFront): void => {
    front.alter = ({ status, headers, text }) => {
      if (status === 400 && text.includes('acme:error:badNonce')) refused++;
      const isBad = headers['replay-nonce'] !== undefined && answers++ % 2 === 0;
      return isBad ? { ...headers, 'replay-nonce': `bad${answers}` } : headers;
    };
  };
  const { house, tlsPort, pebble } = await acmeHouse(t, { challenge: 'http-01', names: ['a.test'], through });
  await waitForPair(tlsPort, 'a.test', pebble);
  // At least: account, order, authorization, challenge, request, certificate.
  assert.ok(refused >= 6, `${refused} refusals`);
  assert.equal(pebble.lines.filter((line) => line.includes('Added order')).length, 1);
  const { body } = await house.call('GET', '/metrics');
  assert.doesNotMatch(String(body), /certificate_orders_total\{outcome="failed"\} [1-9]/);
});

function script(textFile: string, calls: string): string {
  return `#!/bin/sh
echo "$@" >> '${calls}'
[ "$ACME_ACTION $ACME_RECORD $ACME_VALUE" = "$2 $3 $4" ] || exit 3
case "$2" in
  present) echo "$3 $4" >> '${textFile}' ;;
  cleanup) grep -v -F "$4" '${textFile}' > '${textFile}.new'; mv '${textFile}.new' '${textFile}' ;;
esac
`;
}

async function curl(port: number, host: string, root: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-curl-'));
  const file = join(folder, 'root.pem');
  writeFileSync(file, root);
  const args = ['-sS', '--cacert', file, '--resolve', `${host}:${port}:127.0.0.1`, '-o', '/dev/null'];
  try {
    const { stdout } = await promisify(execFile)('curl', [
      ...args,
      '-w',
      '%{http_code} %{http_version}',
      `https://${host}:${port}/`,
    ]);
    return stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Gives what `openssl s_client` prints. */
function sClient(port: number, args: readonly string[]): Promise<string> {
  return new Promise((resolve) => {
    const all = ['s_client', '-connect', `127.0.0.1:${port}`, '-servername', 'a.test', ...args];
    const child = execFile('openssl', all, { timeout: 5_000 }, (_error, stdout, stderr) =>
      resolve(stdout + stderr),
    );
    child.stdin?.end();
  });
}
