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
  const words = /the CA refused the order with 400 rejectedIdentifier: .*a\.blocked\.test/;
  assert.match(note, words);
  assert.equal((await handshake(tlsPort, 'a.blocked.test', await pebble.root())).failed, true);
  const metrics = await house.call('GET', '/metrics');
  assert.match(String(metrics.body), /sallyport_certificate_orders_total\{outcome="failed"\} 1/);
  const lines = await house.log();
  const line = lines.find((one) => one.code === 'SP_CERTIFICATE_ORDER');
  assert.deepEqual([line?.reason, line?.certificate, line?.level], ['refused', 'a.blocked.test', 'error']);
  assert.match(String(line?.detail), words);
  assert.ok(note.endsWith(String(line?.detail)), 'the log says what the note says');
});

test('an account at the CA with a wrong key, an unknown one, or none, is refused in words that say what to check', async (t) => {
  const key = Buffer.alloc(32, 7).toString('base64url');
  const other = Buffer.alloc(32, 8).toString('base64url');
  const cases = [
    {
      kid: 'kid-1',
      secret: other,
      wanted: /403 unauthorized: .*; check `eab`: its `key` and its `kid` kid-1/,
    },
    { kid: 'kid-2', secret: key, wanted: /403 unauthorized: .*'kid'.* not known.*; check `eab`: .*kid-2/ },
    { kid: undefined, secret: key, wanted: /externalAccountRequired: .*; the certificate needs `eab`/ },
  ];
  for (const { kid, secret, wanted } of cases) {
    const { house } = await acmeHouse(t, {
      challenge: 'http-01',
      names: ['a.test'],
      ...(kid === undefined ? {} : { more: `eab: { kid: ${kid}, key: { env: EAB_KEY } }` }),
      env: { EAB_KEY: secret },
      pebble: { externalAccounts: { 'kid-1': key } },
    });
    assert.match(await waitForNote(house, /a\.test cannot be ordered/), wanted);
    assert.ok(!JSON.stringify(await house.log()).includes(secret), 'the key is not in the log');
  }
});

test('a CA that refuses every nonce is asked 8 times, and then not before the back-off ends', async (t) => {
  const pebble = { nonceReject: 100 };
  const acme = await acmeHouse(t, { challenge: 'http-01', names: ['a.test'], pebble });
  const note = await waitForNote(acme.house, /a\.test cannot be ordered/);
  assert.match(note, /the CA refused the account with 400 badNonce/);
  assert.ok(againAtMs(note) - Date.now() > 20_000, note);
  assert.equal(acme.pebble.lines.filter((line) => line.includes('POST /')).length, 8);
});

test('a name that leads elsewhere is named with what the CA saw, and is not tried again at once', async (t) => {
  const { house, pebble } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['lost.test'],
    prepare: ({ dns }) => dns.addresses.set('lost.test', '127.0.0.99'),
  });
  const note = await waitForNote(house, /lost\.test cannot be ordered/);
  assert.match(note, /did not accept lost\.test by http-01: (connection|unauthorized)/);
  assert.ok(againAtMs(note) - Date.now() > 20_000, note);
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
  const lines = await house.log();
  const failed = lines.find(({ code }) => code === 'SP_CERTIFICATE_ORDER');
  assert.equal(failed?.reason, 'unreachable');
  assert.match(String(failed?.detail), /127\.0\.0\.1:\d+ cannot be reached: ECONNREFUSED/);
  await pebble.restart();
  const next = await waitForPair(tlsPort, 'a.test', pebble);
  assert.notEqual((await handshake(tlsPort, 'a.test', next)).peer?.fingerprint256, first);
  assert.deepEqual(await notes(house), []);
});

/** Gives the time of the next attempt that a note tells, milliseconds since the epoch. */
function againAtMs(note: string): number {
  return Date.parse(/next attempt at (\S+):/.exec(note)?.[1] ?? '');
}
