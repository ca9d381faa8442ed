import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectTcp } from 'node:net';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { authority, leaf } from '../fixtures/certificates/pki.ts';
import { type CertificateHouse, openCertificateHouse } from '../support/certificate-house.ts';
import { clientHello, record } from '../support/client-hello.ts';
import { clientAuthority, clientLeaf, revocationList, type Shown } from '../support/client-pki.ts';
import { startTestGateway } from '../support/gateway.ts';
import { pause } from '../support/open-streams.ts';

const HOUR_MS = 3600_000;
const HOLDS = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS };
const root = clientAuthority('Device Root');
const [one, two] = [clientAuthority('Root One'), clientAuthority('Root Two')];
const middle = authority('Middle', { ...HOLDS, parent: one });
const sameMiddle = authority('Middle', { ...HOLDS, parent: two, key: middle.key });
const good = clientLeaf(root, { subject: 'device-7' });
const revoked = clientLeaf(root, { subject: 'device-8' });
const late = clientLeaf(root, {
  subject: 'device-9',
  notBeforeMs: Date.now() - 2 * HOUR_MS,
  notAfterMs: Date.now() - HOUR_MS,
});
const early = clientLeaf(root, { subject: 'device-9', notBeforeMs: Date.now() + HOUR_MS / 2 });
const server = clientLeaf(root, { subject: 'device-10', usages: ['1.3.6.1.5.5.7.3.1'] });
const foreign = clientLeaf(clientAuthority('Other Root'), { subject: 'device-7","address":"192.0.2.1' });
const forged = clientLeaf(clientAuthority('Device Root'), { subject: 'device-7' });
const below = clientLeaf(middle, { subject: 'device-11' });
const between: Shown = { ...below, cert: below.cert + middle.certificate + sameMiddle.certificate };

const FAULTS: readonly (readonly [reason: string, shown: Shown | undefined])[] = [
  ['none-shown', undefined],
  ['revoked', revoked],
  ['expired', late],
  ['not-yet-valid', early],
  ['purpose-wrong', server],
  ['authority-unknown', foreign],
  ['authority-unknown', forged],
];

let parts: CertificateHouse;
/** Lines that were looked at before. */
let seen = 0;

before(async () => {
  parts = await openCertificateHouse(
    {
      'root.crt': root.certificate,
      'root.crl': revocationList(root, [revoked.cert]),
      'bare.crt': root.certificate,
      'one.crt': one.certificate,
      'two.crt': two.certificate,
    },
    (file, upstream) =>
      `
authenticate:
  basic: {}
  certificate:
    - { name: devices, ca: "${file('root.crt')}", crl: "${file('root.crl')}", hosts: [strict.localhost] }
    - { name: staff, ca: "${file('root.crt')}", crl: "${file('root.crl')}", hosts: [soft.localhost], mode: optional }
    - { name: one, ca: "${file('one.crt')}", hosts: [both.localhost] }
    - { name: two, ca: "${file('two.crt')}" }
upstreams:
  echo: { targets: ["${upstream}"] }
routes:
  - { host: strict.localhost, upstream: echo, accept: [certificate], allow: authenticated }
  - { host: soft.localhost, upstream: echo, public: true }
  - { host: soft.localhost, path: /known, upstream: echo, accept: [certificate], allow: authenticated }
  - { host: both.localhost, upstream: echo, public: true }
  - { host: both.localhost, path: /two, upstream: echo, public: true, clientCertificate: two }
`,
  );
  await events();
});
after(() => parts.close());

type Line = Readonly<Record<string, unknown>>;

/** Gives the security events since the last call. @param least - how many are waited for */
async function events(least = 0): Promise<readonly Line[]> {
  for (let looks = 0; ; looks++) {
    const lines = (await parts.house.log()).filter((line) => line.log === 'security');
    if (lines.length < seen + least && looks < 30) continue;
    const fresh = lines.slice(seen);
    seen = lines.length;
    return fresh;
  }
}

/** Makes a connection of its own, says nothing but the request, and gives the status and what went wrong. */
async function visit(
  host: string,
  options: ConnectionOptions = {},
): Promise<{ readonly status: number; readonly error: string }> {
  const socket = connect({
    host: '127.0.0.1',
    port: parts.house.port,
    servername: host,
    ca: parts.house.ca,
    ALPNProtocols: ['http/1.1'],
    ...options,
  });
  let text = '';
  let error = '';
  socket.on('error', (thrown) => {
    error = 'code' in thrown ? String(thrown.code) : thrown.message;
  });
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.once('secureConnect', () => {
    socket.write(`GET /known HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  });
  await once(socket, 'close').catch(() => undefined);
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0), error };
}

function fingerprintOf(shown: Shown | undefined): string | undefined {
  if (shown === undefined) return undefined;
  return new X509Certificate(shown.cert).fingerprint256.replaceAll(':', '').toLowerCase();
}

async function metric(series: string): Promise<number> {
  const answer = await parts.house.call('GET', '/metrics');
  const line = String(answer.body)
    .split('\n')
    .find((text) => text.startsWith(`${series} `));
  return line === undefined ? 0 : Number(line.slice(series.length + 1));
}

const refusals = (reason: string): Promise<number> =>
  metric(`sallyport_client_certificates_refused_total{reason="${reason}"}`);

for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
  test(`each refused certificate of a host that requires one is an event with its reason: ${maxVersion}`, async () => {
    for (const [reason, shown] of FAULTS) {
      const before = await refusals(reason);
      assert.equal((await visit('strict.localhost', { ...shown, maxVersion })).status, 0);
      const [event, ...more] = await events(1);
      assert.deepEqual(more, []);
      const { time: _, ...told } = event ?? {};
      const fingerprint = fingerprintOf(shown);
      assert.deepEqual(told, {
        log: 'security',
        event: 'client-certificate-refused',
        address: '127.0.0.1',
        mode: 'require',
        entries: ['devices'],
        reason,
        host: 'strict.localhost',
        ...(fingerprint === undefined ? {} : { fingerprint }),
      });
      assert.equal(await refusals(reason), before + 1);
    }
  });

  test(`where it is optional the fault is told as well, and stands in the record of what was refused: ${maxVersion}`, async () => {
    for (const [reason, shown] of FAULTS.slice(1, 4)) {
      assert.equal((await visit('soft.localhost', { ...shown, maxVersion })).status, 401);
      const told = await events(2);
      assert.deepEqual(
        told.map(({ event, mode, entries, reason: why, fingerprint }) => [
          event,
          mode,
          entries,
          why,
          fingerprint,
        ]),
        [
          ['client-certificate-refused', 'optional', ['staff'], reason, fingerprintOf(shown)],
          ['sign-in-failed', undefined, undefined, 'certificate-untrusted', undefined],
        ],
      );
      const last = (await parts.house.log()).findLast(({ log }) => log === 'access');
      assert.deepEqual([last?.reason, last?.detail], ['certificate-untrusted', reason]);
    }
    assert.equal((await visit('soft.localhost', { maxVersion })).status, 401);
    assert.deepEqual(await events(), [], 'none shown where none is needed');
  });

  test(`who shows none where one is required hears so: ${maxVersion}`, async () => {
    const { error } = await visit('strict.localhost', { maxVersion });
    assert.match(error, /ALERT_(HANDSHAKE_FAILURE|CERTIFICATE_REQUIRED)$/);
    await events(1);
  });
}

test('one connection is one event, however many requests come over it, on every way in', async () => {
  for (const walk of parts.walks(revoked, 'soft.localhost').slice(0, 2)) {
    for (let n = 0; n < 3; n++) assert.equal((await walk.ask({ host: 'soft.localhost' })).status, 200);
    walk.close();
    assert.deepEqual(
      (await events(1)).map(({ event, reason }) => [event, reason]),
      [['client-certificate-refused', 'revoked']],
      walk.name,
    );
  }
});

test('a good certificate, a client that hangs up, and one that does not take ours, are none', async () => {
  assert.equal((await visit('strict.localhost', good)).status, 200);
  assert.equal((await visit('soft.localhost', good)).status, 200);
  const socket = connectTcp(parts.house.port, '127.0.0.1');
  socket.write(record(clientHello({ name: Buffer.from('strict.localhost') })));
  await once(socket, 'data');
  socket.destroy();
  await visit('strict.localhost', { ...good, ca: root.certificate });
  assert.deepEqual(await events(), []);
});

test('a certificate whose chains lead to several entries is told apart from one that leads to none', async () => {
  assert.equal((await visit('both.localhost', between)).status, 0);
  const [event] = await events(1);
  assert.deepEqual(
    [event?.reason, event?.entries, event?.fingerprint],
    ['authority-ambiguous', ['one', 'two'], fingerprintOf(below)],
  );
});

test('a client that names neither host nor protocol is told of with its address, the gateway itself never', async (t) => {
  const house = await startTestGateway({
    listen: 'defaultCertificate: localhost',
    yaml: `
certificates: [{ name: localhost, dev: { names: [localhost] } }, { name: site, uploaded: true }]
authenticate: { certificate: [{ name: all, ca: "${parts.folder}/bare.crt", hosts: ["*"] }] }
routes: [{ host: "*", upstream: "internal:whoami", public: true }]
`,
  });
  t.after(() => house.close());
  const pair = leaf(authority('Site Root'), ['site.test']);
  const upload = { certificate: pair.certificate, key: pair.keyPem };
  assert.equal((await house.call('PUT', '/v1/certificates/site', upload)).status, 200);
  const told = async () => (await house.log()).filter(({ log }) => log === 'security');
  assert.deepEqual(await told(), []);
  for (const [at, maxVersion] of (['TLSv1.2', 'TLSv1.3'] as const).entries()) {
    const options = { host: '127.0.0.1', port: house.port, servername: '', rejectUnauthorized: false };
    const socket = connect({ ...options, maxVersion, ...foreign });
    socket.on('error', () => {});
    await once(socket, 'close').catch(() => undefined);
    for (let looks = 0; (await told()).length <= at && looks < 30; looks++) await pause(100);
    const { time: _, ...event } = (await told()).at(-1) ?? {};
    assert.deepEqual(event, {
      log: 'security',
      event: 'client-certificate-refused',
      address: '127.0.0.1',
      mode: 'require',
      entries: ['all'],
      reason: 'authority-unknown',
    });
  }
  assert.equal((await told()).length, 2);
});

test('a list that is out of date is told at the reload, by readiness and metrics, and a fresh file counts without a command', async () => {
  const gauge = 'sallyport_client_crl_next_update_timestamp_seconds{entry="devices"}';
  assert.ok((await metric(gauge)) > Date.now() / 1000);
  assert.equal(
    await metric('sallyport_client_ca_expiry_timestamp_seconds{entry="devices"}'),
    Math.floor(new X509Certificate(root.certificate).validToDate.getTime() / 1000),
  );
  const endedMs = Math.floor(Date.now() / 1000) * 1000 - 5_000;
  parts.write('root.crl', revocationList(root, [], endedMs));
  await parts.house.gateway.reload();
  assert.equal((await visit('strict.localhost', good)).status, 0);
  assert.deepEqual(
    (await events(1)).map(({ reason, entries }) => [reason, entries]),
    [['crl-expired', ['devices']]],
  );
  assert.equal(await metric(gauge), endedMs / 1000);
  const says =
    /client certificates devices: the revocation list of CN=Device Root in .*root\.crl is out of date since/;
  assert.ok(
    (await parts.house.log()).some(({ level, concern }) => level === 'warn' && says.test(String(concern))),
  );
  const ready = await parts.house.call('GET', '/readyz');
  assert.equal(ready.status, 200);
  assert.match(JSON.stringify((await parts.house.call('GET', '/v1/readiness')).body), says);

  parts.write('root.crl', revocationList(root, [], endedMs) + revocationList(root, [revoked.cert]));
  const end = performance.now() + 8_000;
  let status = 0;
  while (status !== 200 && performance.now() < end) {
    await pause(200);
    status = (await visit('strict.localhost', good)).status;
  }
  assert.equal(status, 200, 'of two lists of one authority the one that holds counts');
  assert.equal((await visit('strict.localhost', revoked)).status, 0);
  assert.doesNotMatch(JSON.stringify((await parts.house.call('GET', '/v1/readiness')).body), /out of date/);
});
