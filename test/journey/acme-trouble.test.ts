import assert from 'node:assert/strict';
import { test } from 'node:test';
import { acmeHouse, handshake, notes, waitForNote, waitForPair } from '../support/acme-house.ts';

test('an order that the CA rejects is told in the notes, the log and the metric, and handshakes fail cleanly', async (t) => {
  const { house, pebble, tlsPort } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['a.blocked.test'],
    pebble: { blocked: ['blocked.test'] },
  });
  const note = await waitForNote(house, /a\.blocked\.test cannot be ordered/);
  assert.match(note, /rejectedIdentifier|blocked/);
  assert.equal((await handshake(tlsPort, 'a.blocked.test', await pebble.root())).failed, true);
  const metrics = await house.call('GET', '/metrics');
  assert.match(String(metrics.body), /sallyport_certificate_orders_total\{outcome="failed"\} 1/);
  const lines = await house.log();
  const line = lines.find((one) => one.code === 'SP_CERTIFICATE_ORDER');
  assert.equal(line?.reason, 'refused');
});

test('a name that leads elsewhere is named with what the CA saw, and is not tried again at once', async (t) => {
  const { house, pebble } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['lost.test'],
    prepare: ({ dns }) => dns.addresses.set('lost.test', '127.0.0.99'),
  });
  const note = await waitForNote(house, /lost\.test cannot be ordered/);
  assert.match(note, /did not accept lost\.test by http-01: (connection|unauthorized)/);
  const again = Date.parse(/next attempt at (\S+):/.exec(note)?.[1] ?? '');
  assert.ok(again - Date.now() > 20_000, note);
  assert.equal(pebble.lines.filter((line) => line.includes('order-plz') && line.includes('POST')).length, 1);
});

test('while the CA is down the old certificate serves, and it is renewed when the CA is back', async (t) => {
  const { house, pebble, tlsPort } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['a.test'],
    pebble: { lifeSec: 12 },
  });
  const root = await waitForPair(tlsPort, 'a.test', pebble);
  const first = (await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256;
  assert.deepEqual(await notes(house), []);
  await pebble.kill();
  const note = await waitForNote(house, /a\.test cannot be ordered/, 12_000);
  assert.match(note, /cannot be reached: ECONNREFUSED/);
  assert.equal((await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256, first);
  await pebble.restart();
  const next = await waitForPair(tlsPort, 'a.test', pebble);
  assert.notEqual((await handshake(tlsPort, 'a.test', next)).peer?.fingerprint256, first);
});
