import assert from 'node:assert/strict';
import { Socket } from 'node:net';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { RefusedCertificate } from '../../../src/exchange.ts';
import { RefusedClients } from '../../../src/listen/refused-clients.ts';

const DEMAND = {
  id: 'd',
  names: ['devices'],
  required: true,
  ca: [],
  crl: [],
  covering: 'devices',
  entries: [],
};
const NONE_SHOWN = Object.assign(new Error(), { code: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE' });

test('a handshake that failed is told of when it is about the certificate, and never one of this process with itself', () => {
  const told: RefusedCertificate[] = [];
  const refused = new RefusedClients((one) => told.push(one));
  const client = new TLSSocket(new Socket());
  refused.failed(client, new Error(), DEMAND);
  refused.failed(client, Object.assign(new Error(), { code: 'ECONNRESET' }), DEMAND);
  refused.failed(client, Object.assign(new Error(), { code: 'ERR_SSL_NO_SHARED_CIPHER' }), DEMAND);
  assert.deepEqual(told, []);
  refused.failed(client, NONE_SHOWN, DEMAND);
  assert.deepEqual(
    told.map(({ reason }) => reason),
    ['none-shown'],
  );
  const own = new TLSSocket(new Socket());
  refused.ignore(own);
  refused.failed(own, NONE_SHOWN, DEMAND);
  assert.equal(told.length, 1);
});
