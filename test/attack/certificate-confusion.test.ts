import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type Authority, authority, ecKey } from '../fixtures/certificates/pki.ts';
import {
  type CertificateHouse,
  oneCode,
  oneStatus,
  openCertificateHouse,
} from '../support/certificate-house.ts';
import { clientAuthority, clientLeaf, type Shown } from '../support/client-pki.ts';
import { fieldOf } from '../support/echo-upstream.ts';

const HOUR_MS = 3600_000;
const NOW = { notBeforeMs: Date.now() - HOUR_MS, notAfterMs: Date.now() + HOUR_MS };
const devices = clientAuthority('Client Root');
/** The same name as the other root has, and another key. */
const staff = clientAuthority('Client Root');
const device = clientLeaf(devices, { subject: 'device-7' });
const person = clientLeaf(staff, { subject: 'device-7' });

/** Entries that a request gets through with, by path. */
const ROUTES = { '/devices': 'devices', '/staff': 'staff' } as const;
let parts: CertificateHouse;

before(async () => {
  parts = await openCertificateHouse(
    { 'devices.crt': devices.certificate, 'staff.crt': staff.certificate },
    (file, upstream) => `
authenticate:
  certificate:
    - { name: devices, ca: "${file('devices.crt')}", mode: optional, groups: [devices] }
    - { name: staff, ca: "${file('staff.crt')}", mode: optional, groups: [staff] }
    - { name: again, ca: "${file('devices.crt')}", mode: optional, groups: [again], users: { device-7: somebody-else } }
upstreams: { echo: { targets: ["${upstream}"] } }
routes:
  - { host: box.localhost, path: /devices, upstream: echo, accept: [certificate], clientCertificate: devices, allow: authenticated }
  - { host: box.localhost, path: /staff, upstream: echo, accept: [certificate], clientCertificate: staff, allow: authenticated }
  - { host: box.localhost, path: /again, upstream: echo, accept: [certificate], clientCertificate: again, allow: authenticated }
  - { host: box.localhost, path: /none, upstream: echo, accept: [certificate], allow: authenticated }
  - { host: one.localhost, upstream: echo, accept: [certificate], clientCertificate: devices, allow: authenticated }
  - { host: "*.wild.localhost", upstream: echo, accept: [certificate], clientCertificate: devices, allow: authenticated }
  - { host: own.wild.localhost, upstream: echo, public: true }
  - { host: localhost, upstream: echo, public: true }
certificates:
  - { name: site, dev: { names: [localhost, "*.localhost", "*.wild.localhost"] } }
`,
  );
});
after(() => parts.close());

/** Gives the paths on which a certificate lets through; every way in agrees, and the others refuse it. */
async function admittedTo(shown: Shown): Promise<readonly string[]> {
  const admitted: string[] = [];
  for (const target of Object.keys(ROUTES)) {
    const answers = await parts.ask(shown, { host: 'box.localhost', target });
    const status = oneStatus(answers);
    if (status === 200) admitted.push(target);
    else {
      assert.equal(status, 401, target);
      assert.equal(oneCode(answers), 'SP_AUTHENTICATE_REJECTED', target);
    }
  }
  return admitted;
}

function withChain(shown: Shown, ...others: readonly Authority[]): Shown {
  return { ...shown, cert: shown.cert + others.map(({ certificate }) => certificate).join('') };
}

test('authorities of one name and two keys never stand for each other', async () => {
  assert.deepEqual(await admittedTo(device), ['/devices']);
  assert.deepEqual(await admittedTo(person), ['/staff']);
  // Whatever is sent along: their own roots, or those of the others.
  for (const root of [devices, staff]) {
    assert.deepEqual(await admittedTo(withChain(device, root)), ['/devices']);
    assert.deepEqual(await admittedTo(withChain(person, root)), ['/staff']);
  }
});

test('an intermediate authority with the name of another one proves nothing', async () => {
  const middle = authority('Middle', { parent: devices, ...NOW });
  const imitation = authority('Middle', { parent: staff, ...NOW });
  const leaf = clientLeaf(middle, { subject: 'device-7' });
  assert.deepEqual(await admittedTo(withChain(leaf, middle)), ['/devices']);
  assert.deepEqual(await admittedTo(withChain(leaf, imitation, middle)), ['/devices']);
  assert.deepEqual(await admittedTo(withChain(leaf, middle, imitation)), ['/devices']);
  assert.deepEqual(await admittedTo(withChain(leaf, imitation)), []);
});

test('a certificate that is no authority vouches for nobody', async () => {
  const key = ecKey();
  const leafAsAuthority: Authority = authority('Leaf', { parent: devices, key, ca: false, ...NOW });
  const child = clientLeaf(leafAsAuthority, { subject: 'device-7' });
  assert.deepEqual(await admittedTo(withChain(child, leafAsAuthority)), []);
});

test('an intermediate authority that is over, or not valid yet, vouches for nobody', async () => {
  const late = authority('Late', {
    parent: devices,
    notBeforeMs: Date.now() - 2 * HOUR_MS,
    notAfterMs: Date.now() - HOUR_MS,
  });
  const early = authority('Early', {
    parent: devices,
    notBeforeMs: Date.now() + HOUR_MS,
    notAfterMs: Date.now() + 2 * HOUR_MS,
  });
  for (const middle of [late, early]) {
    const leaf = clientLeaf(middle, { subject: 'device-7' });
    assert.deepEqual(await admittedTo(withChain(leaf, middle)), [], middle.subject);
  }
});

test('an intermediate authority that both sides signed counts for the side whose signature is shown, and for neither when both are', async () => {
  const key = ecKey();
  const ofDevices = authority('Shared', { parent: devices, key, ...NOW });
  const ofStaff = authority('Shared', { parent: staff, key, ...NOW });
  const leaf = clientLeaf(ofDevices, { subject: 'device-7' });
  assert.deepEqual(await admittedTo(withChain(leaf, ofDevices)), ['/devices']);
  assert.deepEqual(await admittedTo(withChain(leaf, ofStaff)), ['/staff']);
  assert.deepEqual(await admittedTo(withChain(leaf, ofDevices, ofStaff)), []);
});

test('an authority of one side that the other side signed stays with its own side', async () => {
  const crossed = authority('Client Root', { parent: devices, key: staff.key, ...NOW });
  assert.deepEqual(await admittedTo(withChain(person, crossed)), ['/staff']);
});

test('a heap of certificates is refused, and costs little', async () => {
  const heap = Array.from({ length: 20 }, () => authority('Client Root', { parent: devices, ...NOW }));
  const startedMs = performance.now();
  assert.deepEqual(await admittedTo(withChain(device, ...heap)), []);
  assert.ok(performance.now() - startedMs < 5_000);
});

test('who somebody is on one route is never who they are on another, in any order and on one connection', async () => {
  const expected = { '/devices': 'device-7 devices', '/again': 'somebody-else again' } as const;
  for (const walk of parts.walks(device, 'box.localhost')) {
    for (const target of ['/devices', '/again', '/devices', '/again'] as const) {
      const { echo } = await walk.ask({ host: 'box.localhost', target });
      const fields = echo?.fields ?? [];
      const told = `${fieldOf(fields, 'x-forwarded-user')} ${fieldOf(fields, 'x-forwarded-groups')}`;
      assert.equal(told, expected[target], `${walk.name} ${target}`);
    }
    for (const target of ['/staff', '/none'] as const) {
      assert.equal((await walk.ask({ host: 'box.localhost', target })).status, 401, `${walk.name} ${target}`);
    }
    walk.close();
  }
});

test('requests at once on both routes do not share a verdict', async () => {
  const walks = Array.from({ length: 8 }, () => parts.walks(device, 'box.localhost')[0]);
  const users = await Promise.all(
    walks.map(async (walk, at) => {
      const target = at % 2 === 0 ? '/devices' : '/again';
      const told = await walk?.ask({ host: 'box.localhost', target });
      walk?.close();
      return fieldOf(told?.echo?.fields ?? [], 'x-forwarded-user');
    }),
  );
  assert.deepEqual(users, Array.from({ length: 4 }, () => ['device-7', 'somebody-else']).flat());
});

test('a connection made for one host does not reach another whose routes ask for something else', async () => {
  const hosts = ['box.localhost', 'one.localhost', 'a.wild.localhost', 'own.wild.localhost', 'localhost'];
  const alike = [
    ['one.localhost', 'a.wild.localhost'],
    ['own.wild.localhost', 'localhost'],
  ];
  for (const serverName of hosts) {
    for (const walk of parts.walks(device, serverName)) {
      for (const host of hosts) {
        const same =
          host === serverName || alike.some((pair) => pair.includes(host) && pair.includes(serverName));
        const target = host === 'box.localhost' ? '/devices' : '/';
        const { status } = await walk.ask({ host, target });
        assert.equal(
          status === 101 ? 200 : status,
          same ? 200 : 421,
          `${walk.name}: ${serverName} then ${host}`,
        );
      }
      walk.close();
    }
  }
});
