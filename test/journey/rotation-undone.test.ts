import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { rsaKey } from '../fixtures/certificates/pki.ts';
import { ask } from '../support/ask.ts';
import { eventually } from '../support/eventually.ts';
import { pairMaker } from '../support/fresh-pair.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const YAML = 'routes: [{ host: localhost, upstream: "internal:whoami", public: true }]\n';

/** Makes a handshake that trusts one authority only and says so to the server, from an address of its own. */
function visit(
  { port, folder }: TestGateway,
  address: string,
  asking: readonly string[] = ['-servername', 'localhost'],
): Promise<number | null> {
  const args = ['s_client', '-connect', `127.0.0.1:${port}`, '-bind', `${address}:0`, ...asking];
  const trust = ['-verify_return_error', '-CAfile', join(folder, 'trusted.pem')];
  const child = spawn('openssl', [...args, ...trust], { stdio: ['ignore', 'ignore', 'ignore'] });
  return new Promise((resolve) => child.once('exit', (code) => resolve(code)));
}

async function rotated(
  house: TestGateway,
  make: ReturnType<typeof pairMaker>['make'],
  name = 'localhost',
): Promise<string> {
  const { certificate, key, fingerprint256 } = make();
  const answer = await house.call('PUT', `/v1/certificates/${name}`, { certificate, key });
  assert.equal(answer.status, 200, JSON.stringify(answer.body));
  assert.equal(new X509Certificate(certificate).fingerprint256, fingerprint256);
  return fingerprint256;
}

test('a certificate that clients at several addresses refuse is taken back; one address alone cannot have it taken back', async (t) => {
  const house = await startTestGateway({ yaml: YAML });
  t.after(() => house.close());
  const [trusted, strange] = [
    pairMaker(['localhost', '*.localhost']),
    pairMaker(['localhost', '*.localhost']),
  ];
  writeFileSync(join(house.folder, 'trusted.pem'), trusted.ca);
  const served = async (): Promise<string | undefined> =>
    (await ask({ port: house.port, ca: `${trusted.ca}\n${strange.ca}` })).fingerprint256;
  const good = await rotated(house, trusted.make);
  assert.equal(await visit(house, '127.0.0.2'), 0);
  const bad = await rotated(house, strange.make);
  for (let round = 0; round < 12; round++) assert.notEqual(await visit(house, '127.0.0.2'), 0);
  assert.equal(await served(), bad);
  for (const address of ['127.0.0.3', '127.0.0.4']) await visit(house, address);
  await eventually('the refused certificate is taken back', async () => (await served()) === good, 3_000);
  assert.equal(await visit(house, '127.0.0.2'), 0);
  const audit = await house.call('GET', '/v1/audit');
  const committed = (Array.isArray(audit.body) ? audit.body : []).filter(
    ({ what }) => what === 'rotation-committed',
  );
  assert.deepEqual([committed[0]?.before, committed[0]?.after], [bad, good]);
  assert.deepEqual([committed[0]?.cause, committed[1]?.cause], ['refused-by-clients', 'upload']);
});

const RSA_ONLY = ['-servername', 'both.test', '-sigalgs', 'rsa_pss_rsae_sha256'];
const HALVES = [
  { what: 'the RSA half of two', name: 'rsa', asking: RSA_ONLY },
  { what: 'the default one, by clients that name no host', name: 'default', asking: ['-noservername'] },
];

for (const { what, name, asking } of HALVES) {
  test(`a certificate that clients refuse is taken back: ${what}`, async (t) => {
    const yaml = `certificates: [{ name: localhost, dev: { names: [localhost] } }, { name: default, dev: { names: [default.test] } }, { name: ecdsa, dev: { names: [both.test] } }, { name: rsa, dev: { names: [both.test], keyType: rsa } }]
${YAML}`;
    const house = await startTestGateway({ yaml, listen: 'defaultCertificate: default' });
    t.after(() => house.close());
    const names = name === 'rsa' ? ['both.test'] : ['default.test'];
    const key = name === 'rsa' ? rsaKey() : undefined;
    const [trusted, strange] = [pairMaker(names, key), pairMaker(names, key)];
    writeFileSync(join(house.folder, 'trusted.pem'), trusted.ca);
    const served = async (): Promise<string | undefined> => {
      const { body } = await house.call('GET', '/v1/certificates');
      return (Array.isArray(body) ? body : []).find((one) => one.name === name)?.fingerprint256;
    };
    const good = await rotated(house, trusted.make, name);
    assert.equal(await visit(house, '127.0.0.2', asking), 0);
    await rotated(house, strange.make, name);
    for (let round = 0; round < 10; round++)
      assert.notEqual(await visit(house, `127.0.0.${2 + (round % 3)}`, asking), 0);
    await eventually('the refused certificate is taken back', async () => (await served()) === good, 3_000);
    assert.equal(await visit(house, '127.0.0.2', asking), 0);
  });
}
