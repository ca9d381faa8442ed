import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { acmeHouse, handshake, waitForPair } from '../support/acme-house.ts';

test('a host below an allowed suffix that a route serves gets its certificate when a client asks, others never', async (t) => {
  const { house, pebble, tlsPort } = await acmeHouse(t, {
    challenge: 'tls-alpn-01',
    names: ['main.test'],
    more: 'onDemand: { allow: [apps.test] }',
    routes: ['*.apps.test', '*.other.test'],
  });
  const root = await pebble.root();
  for (const host of ['new.apps.test', 'new.other.test', 'deep.er.apps.test']) {
    assert.equal((await handshake(tlsPort, host, root)).failed, true, host);
  }
  await waitForPair(tlsPort, 'new.apps.test', pebble);
  await waitForPair(tlsPort, 'main.test', pebble);
  await sleep(500);
  const list = await house.call('GET', '/v1/certificates');
  const names = (list.body as readonly { readonly name: string }[]).map(({ name }) => name);
  assert.deepEqual(names, ['main.test', 'new.apps.test']);
});
