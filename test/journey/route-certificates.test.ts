import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { authority } from '../fixtures/certificates/pki.ts';
import { BrowserJar, fieldOf as inputOf } from '../support/browser-jar.ts';
import {
  type CertificateHouse,
  oneCode,
  oneStatus,
  openCertificateHouse,
} from '../support/certificate-house.ts';
import { clientAuthority, clientLeaf, revocationList, type Shown } from '../support/client-pki.ts';
import { type Fields, fieldOf } from '../support/echo-upstream.ts';
import { openHttp1, openHttp2, openWebSocket, pause } from '../support/open-streams.ts';
import { type StreamUpstream, startStreamUpstream } from '../support/stream-upstream.ts';

const HOUR_MS = 3600_000;
const devices = clientAuthority('Device Root');
const staff = clientAuthority('Staff Root');
const middle = authority('Device Middle', {
  parent: devices,
  notBeforeMs: Date.now() - HOUR_MS,
  notAfterMs: Date.now() + HOUR_MS,
});
const device = clientLeaf(devices, { subject: 'device-7' });
const person = clientLeaf(staff, { subject: 'ada', emails: ['ada@example.com'] });
const bare = clientLeaf(middle, { subject: 'device-8' });
const withMiddle: Shown = { ...bare, cert: bare.cert + middle.certificate };
const revoked = clientLeaf(devices, { subject: 'device-9' });
const foreign = clientLeaf(clientAuthority('Other Root'), { subject: 'device-7' });
const ALICE: Fields = [['authorization', `Basic ${Buffer.from('alice:correct horse').toString('base64')}`]];

let parts: CertificateHouse;
let streaming: StreamUpstream;

const entries = (file: (name: string) => string): string => `
authenticate:
  basic: {}
  session: {}
  certificate:
    - { name: devices, ca: "${file('devices.crt')}", groups: [devices] }
    - { name: staff, ca: "${file('staff.crt')}", mode: optional, identity: san-email, groups: [staff] }
    - { name: mine, ca: "${file('staff.crt')}", hosts: [strict.localhost] }
    - { name: listed-devices, ca: "${file('devices.crt')}", crl: "${file('devices.crl')}", mode: optional }
    - { name: listed-staff, ca: "${file('staff.crt')}", crl: "${file('staff.crl')}", mode: optional }
`;
const yaml = (file: (name: string) => string, upstream: string): string => `${entries(file)}
upstreams:
  echo: { targets: ["${upstream}"] }
  endless: { targets: ["${streaming.url}"] }
routes:
  - { host: box.localhost, path: /firmware, upstream: echo, accept: [certificate], clientCertificate: devices, allow: { groups: [devices] } }
  - { host: box.localhost, path: /desk, upstream: echo, accept: [certificate, basic], clientCertificate: staff, allow: authenticated }
  - { host: box.localhost, path: /any, upstream: echo, accept: [certificate], clientCertificate: [staff, devices], allow: authenticated }
  - { host: box.localhost, path: /both, upstream: echo, accept: [session], clientCertificate: devices, allow: authenticated, origins: any }
  - { host: box.localhost, path: /open, upstream: echo, public: true, clientCertificate: devices }
  - { host: box.localhost, path: /told, upstream: echo, public: true, clientCertificate: staff }
  - { host: box.localhost, path: /endless, upstream: endless, public: true, clientCertificate: devices, stripPath: true }
  - { host: box.localhost, upstream: echo, accept: [basic, certificate], allow: authenticated }
  - { host: strict.localhost, upstream: echo, public: true }
  - { host: strict.localhost, path: /firmware, upstream: echo, accept: [certificate], clientCertificate: devices, allow: authenticated }
  - { host: strict.localhost, path: /by-name, upstream: echo, accept: [certificate], allow: authenticated }
  - { host: listed.localhost, path: /devices, upstream: echo, accept: [certificate], clientCertificate: listed-devices, allow: authenticated }
  - { host: listed.localhost, path: /staff, upstream: echo, accept: [certificate], clientCertificate: listed-staff, allow: authenticated }
  - { host: [localhost, free.localhost], upstream: echo, public: true }
`;

before(async () => {
  streaming = await startStreamUpstream();
  parts = await openCertificateHouse(
    {
      'devices.crt': devices.certificate,
      'staff.crt': staff.certificate,
      'devices.crl': revocationList(devices, [revoked.cert]),
      'staff.crl': revocationList(staff, []),
    },
    yaml,
  );
});
after(async () => {
  await parts.close();
  await streaming.close();
});

const box = (target: string, fields: Fields = []) => ({ host: 'box.localhost', target, fields });

test('each route of a host takes the certificates of its own entries, and no others', async () => {
  for (const [target, good, bad] of [
    ['/firmware', device, person],
    ['/desk', person, device],
  ] as const) {
    const through = await parts.ask(good, box(target));
    assert.equal(oneStatus(through), 200, target);
    const refused = await parts.ask(bad, box(target));
    assert.equal(oneStatus(refused), 401, target);
    assert.equal(oneCode(refused), 'SP_AUTHENTICATE_REJECTED');
    assert.equal(oneStatus(await parts.ask(foreign, box(target))), 401, `${target} with a foreign one`);
    assert.equal(oneStatus(await parts.ask(undefined, box(target))), 401, `${target} with none`);
  }
});

test('identity and groups come from the first entry of the route that vouches', async () => {
  const user = async (shown: Shown, target: string): Promise<unknown> => {
    const answers = await parts.ask(shown, box(target));
    const told = answers.map(({ echo }) =>
      ['x-forwarded-user', 'x-forwarded-groups'].map((name) => fieldOf(echo?.fields ?? [], name)).join(' '),
    );
    return [...new Set(told)].join(', ');
  };
  assert.equal(await user(device, '/firmware'), 'device-7 devices');
  assert.equal(await user(device, '/any'), 'device-7 devices');
  assert.equal(await user(person, '/any'), 'ada@example.com staff');
  assert.equal(await user(person, '/desk'), 'ada@example.com staff');
});

test('an intermediate authority counts when it is sent, and only then', async () => {
  assert.equal(oneStatus(await parts.ask(withMiddle, box('/firmware'))), 200);
  assert.equal(oneStatus(await parts.ask(withMiddle, box('/desk'))), 401);
  assert.equal(oneStatus(await parts.ask(bare, box('/firmware'))), 401);
  assert.equal(oneStatus(await parts.ask(bare, box('/open'))), 403);
});

test('a bad certificate never falls through to a password', async () => {
  assert.equal(oneStatus(await parts.ask(device, box('/desk', ALICE))), 401);
  assert.equal(oneStatus(await parts.ask(undefined, box('/desk', ALICE))), 200);
});

test('where no entry counts, a certificate that another route asked for is neither identity nor fault', async () => {
  assert.equal(oneStatus(await parts.ask(device, box('/', ALICE))), 200);
  const unknown = await parts.ask(device, box('/'));
  assert.equal(oneStatus(unknown), 401);
  assert.equal(oneCode(unknown), 'SP_AUTHENTICATE_REQUIRED');
  assert.equal(oneStatus(await parts.ask(device, box('/.sallyport/whoami'))), 401);
});

test('a public route with an entry that requires a certificate lets nobody through without one', async () => {
  assert.equal(oneStatus(await parts.ask(device, box('/open'))), 200);
  for (const shown of [undefined, person, foreign]) {
    const refused = await parts.ask(shown, box('/open'));
    assert.equal(oneStatus(refused), 403);
    assert.equal(oneCode(refused), 'SP_AUTHORIZE_CERTIFICATE');
  }
});

test('the log tells a missing certificate from one that does not count', async () => {
  await parts.ask(undefined, box('/open/none'));
  await parts.ask(person, box('/open/other'));
  const log = await parts.house.log();
  const reasons = (path: string) => [
    ...new Set(log.filter((line) => line.path === path).map((line) => line.reason)),
  ];
  assert.deepEqual(reasons('/open/none'), ['certificate-missing']);
  assert.deepEqual(reasons('/open/other'), ['certificate-untrusted']);
});

async function signIn(): Promise<Fields> {
  const jar = new BrowserJar({ ...parts.house, host: 'box.localhost' });
  const page = await jar.open('/.sallyport/sign-in');
  assert.equal(page.status, 200, 'the sign-in page needs no certificate');
  const fields = { token: inputOf(page.text, 'token'), return: inputOf(page.text, 'return') };
  await jar.submit('/.sallyport/sign-in', { ...fields, user: 'alice', password: 'correct horse' });
  const cookie = [...jar.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
  return [['cookie', cookie]];
}

test('a sign-in and a certificate are both needed where a route asks for both, and the person is the identity', async () => {
  const cookie = await signIn();
  const through = await parts.ask(device, box('/both', cookie));
  assert.equal(oneStatus(through), 200);
  for (const { echo } of through) {
    assert.equal(fieldOf(echo?.fields ?? [], 'x-forwarded-user'), 'alice');
    assert.match(
      fieldOf(echo?.fields ?? [], 'x-sallyport-client-certificate') ?? '',
      /subject=CN%3Ddevice-7/,
    );
  }
  for (const shown of [undefined, person, foreign]) {
    const refused = await parts.ask(shown, box('/both', cookie));
    assert.equal(oneStatus(refused), 403);
    assert.equal(oneCode(refused), 'SP_AUTHORIZE_CERTIFICATE');
  }
  const unknown = await parts.ask(device, box('/both'));
  assert.equal(oneStatus(unknown), 401);
  assert.equal(oneCode(unknown), 'SP_AUTHENTICATE_REQUIRED');
});

test('an upstream is told of a certificate only where it counts', async () => {
  const told = async (shown: Shown, target: string, fields: Fields = []): Promise<boolean[]> => {
    const answers = await parts.ask(shown, box(target, fields));
    assert.equal(oneStatus(answers), 200);
    const names = answers.map(({ echo }) => fieldOf(echo?.fields ?? [], 'x-sallyport-client-certificate'));
    return [...new Set(names.map((value) => value !== undefined))];
  };
  assert.deepEqual(await told(person, '/told'), [true]);
  assert.deepEqual(await told(device, '/told'), [false]);
  assert.deepEqual(await told(foreign, '/told'), [false]);
  assert.deepEqual(await told(device, '/open'), [true]);
  assert.deepEqual(await told(device, '/', ALICE), [false]);
});

test('a host that requires a certificate admits those that its routes name as well, and each route checks its own', async () => {
  const strict = (target: string) => ({ host: 'strict.localhost', target });
  for (const target of ['/', '/firmware', '/.sallyport/jwks.json']) {
    assert.equal(oneStatus(await parts.ask(undefined, strict(target))), 0, `${target} without one`);
    assert.equal(oneStatus(await parts.ask(foreign, strict(target))), 0, `${target} with a foreign one`);
  }
  assert.equal(oneStatus(await parts.ask(person, strict('/'))), 200);
  assert.equal(oneStatus(await parts.ask(person, strict('/by-name'))), 200);
  assert.equal(oneStatus(await parts.ask(person, strict('/firmware'))), 401);
  assert.equal(oneStatus(await parts.ask(device, strict('/firmware'))), 200);
  assert.equal(oneStatus(await parts.ask(device, strict('/by-name'))), 401);
  const other = await parts.ask(device, strict('/'));
  assert.equal(oneStatus(other), 403, 'the entry of the host counts where a route names none');
  assert.equal(oneCode(other), 'SP_AUTHORIZE_CERTIFICATE');
});

test('revocation lists of all entries of a host count together', async () => {
  const listed = (target: string) => ({ host: 'listed.localhost', target });
  assert.equal(oneStatus(await parts.ask(device, listed('/devices'))), 200);
  assert.equal(oneStatus(await parts.ask(person, listed('/staff'))), 200);
  assert.equal(oneStatus(await parts.ask(person, listed('/devices'))), 401);
  assert.equal(oneStatus(await parts.ask(revoked, listed('/devices'))), 401);
  assert.equal(oneStatus(await parts.ask(revoked, box('/firmware'))), 200, 'where no list counts');
});

test('a stream ends with the certificate that its route needs', async (t) => {
  const brief = clientLeaf(devices, { subject: 'brief', notAfterMs: Date.now() + 4_000 });
  const door = { ...parts.house, host: 'box.localhost', client: brief };
  const open = await Promise.all([
    openHttp1(door, '/endless/download'),
    openHttp2(door, '/endless/events'),
    openWebSocket(door, '/endless/ws'),
  ]);
  t.after(() => open.forEach((stream) => void stream.close()));
  for (const stream of open) assert.notEqual(await stream.ended(8_000), 'complete', stream.kind);
});

test('streams and connections end when the authority, or the entry, of their route is gone', async (t) => {
  const door = { ...parts.house, host: 'box.localhost', client: device };
  const openAll = () =>
    Promise.all([
      openHttp1(door, '/endless/download'),
      openHttp2(door, '/endless/ws', true),
      openWebSocket(door, '/endless/ws'),
    ]);
  const kept = parts.walks(device, 'box.localhost').slice(0, 2);
  const askKept = async (target: string) =>
    Promise.all(kept.map(async (walk) => (await walk.ask(box(target))).status));
  assert.deepEqual(await askKept('/firmware'), [200, 200]);
  let open = await openAll();
  t.after(() => {
    for (const one of [...open, ...kept]) one.close();
  });
  await parts.house.gateway.reload();
  await pause(300);
  assert.deepEqual(
    open.map((stream) => stream.ending()),
    [undefined, undefined, undefined],
    'a reload that changes nothing',
  );
  assert.deepEqual(await askKept('/firmware'), [200, 200]);

  parts.write('devices.crt', clientAuthority('Device Root').certificate);
  parts.write('devices.crl', revocationList(devices, []));
  await parts.house.gateway.reload();
  for (const stream of open) await stream.ended();
  assert.deepEqual(await askKept('/firmware'), [421, 421], 'the connection was made under another demand');
  assert.equal(oneStatus(await parts.ask(device, box('/firmware'))), 401);

  parts.write('devices.crt', devices.certificate);
  await parts.house.gateway.reload();
  assert.equal(oneStatus(await parts.ask(device, box('/firmware'))), 200);
  open = await openAll();
  const text = yaml((name) => `${parts.folder}/${name}`, parts.upstream.url);
  await parts.house.reconfigure(
    text.replace(
      'path: /endless, upstream: endless, public: true, clientCertificate: devices',
      'path: /endless, upstream: endless, public: true, clientCertificate: staff',
    ),
  );
  for (const stream of open) await stream.ended();
  assert.equal(oneStatus(await parts.ask(device, box('/firmware'))), 200, 'the other routes stay');
});
