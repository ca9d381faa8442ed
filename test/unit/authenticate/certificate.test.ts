import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeCertificateMethod } from '../../../src/authenticate/certificate.ts';
import { type CertificateJudge, makeCertificateOf } from '../../../src/authenticate/counting-entry.ts';
import type { ClientEntry } from '../../../src/certificates/client-entry.ts';
import type { ClientCertificateConfig } from '../../../src/config/config.ts';
import type { Arrived, ClientCertificate } from '../../../src/exchange.ts';
import { routeConfig } from '../route/route-config.ts';
import { arrivedWith } from './support.ts';

const NOW_MS = 1_800_000_000_000;

function entry(name: string, change: Partial<ClientCertificateConfig> = {}): ClientEntry {
  const config: ClientCertificateConfig = {
    name,
    ca: '',
    crl: undefined,
    hosts: [],
    mode: 'optional',
    identity: 'subject-cn',
    users: undefined,
    groups: [name],
    ...change,
  };
  return { id: name, config, ca: [], crl: [], authorities: [], subjects: [], lists: [] };
}

const judge: CertificateJudge = {
  demandOf: (id) =>
    id === 'gone'
      ? undefined
      : {
          covering: id === 'covered' ? 'devices' : undefined,
          entries: [entry('devices'), entry('staff', { users: new Map([['ada', 'ada']]) }), entry('guests')],
        },
  clock: () => NOW_MS,
};
const method = makeCertificateMethod(judge);

function showing(change: Partial<ClientCertificate> = {}): Arrived {
  const arrived = arrivedWith();
  const certificate: ClientCertificate = {
    demand: 'plain',
    fault: undefined,
    trustedBy: ['devices'],
    fingerprint: 'ab'.repeat(32),
    subject: 'CN=box',
    commonName: 'box',
    emails: [],
    dnsNames: [],
    uris: [],
    notBeforeMs: NOW_MS - 1000,
    notAfterMs: NOW_MS + 1000,
    ...change,
  };
  return { ...arrived, client: { ...arrived.client, certificate } };
}

/** Gives `absent`, the reason of the refusal, or user and groups, on a route that names these entries. */
async function outcome(arrived: Arrived, names?: readonly string[]): Promise<string> {
  const verdict = await method.onRoute?.(routeConfig({ clientCertificate: names })).inspect(arrived);
  if (verdict?.kind === 'rejected') return verdict.reason;
  return verdict?.kind === 'verified' ? `${verdict.identity.user} ${verdict.identity.groups}` : 'absent';
}

test('the first entry of the route that vouches speaks for a certificate, whatever it says', async () => {
  const both = showing({ trustedBy: ['devices', 'staff'] });
  assert.equal(await outcome(both, ['devices']), 'box devices');
  assert.equal(await outcome(both, ['guests', 'devices', 'staff']), 'box devices');
  assert.equal(await outcome(both, ['staff', 'devices']), 'certificate-unknown');
  assert.equal(await outcome(both, ['guests']), 'certificate-untrusted');
});

test('a route that names no entry goes by the one that covers the host, and without that knows no certificates', async () => {
  assert.equal(await outcome(showing({ demand: 'covered' })), 'box devices');
  assert.equal(await outcome(showing({ demand: 'covered', trustedBy: ['staff'] })), 'certificate-untrusted');
  assert.equal(await outcome(showing()), 'absent');
  assert.equal(method.onRoute?.(routeConfig({})).credential(showing()), undefined);
  assert.equal(await outcome(arrivedWith(), ['devices']), 'absent');
});

test('a fault, a demand that is gone and dates that do not hold are refused', async () => {
  const names = ['devices'];
  assert.equal(await outcome(showing({ fault: 'revoked', trustedBy: [] }), names), 'certificate-untrusted');
  assert.equal(await outcome(showing({ fault: 'revoked' }), names), 'certificate-untrusted');
  assert.equal(await outcome(showing({ demand: 'gone' }), names), 'certificate-untrusted');
  assert.equal(await outcome(showing({ notAfterMs: NOW_MS }), names), 'certificate-expired');
  assert.equal(await outcome(showing({ notBeforeMs: NOW_MS + 1 }), names), 'certificate-expired');
});

test('routes where different entries speak never take each other’s verdict', () => {
  const arrived = showing({ trustedBy: ['devices', 'guests'] });
  const key = (...names: string[]) =>
    method.onRoute?.(routeConfig({ clientCertificate: names })).credential(arrived);
  assert.notEqual(key('devices'), key('guests'));
  assert.notEqual(key('devices'), key('staff'));
  assert.equal(key('devices'), key('staff', 'devices'), 'the same entry speaks');
});

test('a certificate counts as a proof under the same rules', () => {
  const certificateOf = makeCertificateOf(judge);
  const counts = (change: Partial<ClientCertificate>, names?: readonly string[]): boolean => {
    const config = routeConfig({ clientCertificate: names });
    return certificateOf({ arrived: showing(change), route: { id: 'r', config } }) !== undefined;
  };
  assert.equal(counts({}, ['devices']), true);
  assert.equal(counts({ demand: 'covered' }), true);
  assert.equal(counts({}), false);
  assert.equal(counts({}, ['staff']), false);
  assert.equal(counts({ fault: 'revoked' }, ['devices']), false);
  assert.equal(counts({ demand: 'gone' }, ['devices']), false);
  assert.equal(counts({ notAfterMs: NOW_MS }, ['devices']), false);
});
