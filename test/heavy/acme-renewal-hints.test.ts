import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { renewalId } from '../../src/certificates/acme/renewal-hint.ts';
import { handshake, notes, waitForNote, waitForPair } from '../support/acme-house.ts';
import { eventually } from '../support/eventually.ts';
import { hintingHouse } from '../support/hinting-house.ts';

const [PAST, LATER] = [[-2, -1] as const, [20, 30] as const];

for (const refusesReplacing of [false, true]) {
  const words = refusesReplacing ? 'without it where the CA refuses that' : 'and the CA fills it';
  test(`a certificate is renewed when the CA says so, the order names the one that it replaces, ${words}`, async (t) => {
    const window = (index: number) => (index === 0 ? PAST : LATER);
    const { house, pebble, tlsPort, asked } = await hintingHouse(t, { window, refusesReplacing });
    const root = await waitForPair(tlsPort, 'a.test', pebble);
    const first = (await handshake(tlsPort, 'a.test', root)).peer;
    const end = performance.now() + 15_000;
    while ((await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256 === first?.fingerprint256) {
      assert.ok(performance.now() < end, 'the renewed certificate is not served');
      await sleep(50);
    }
    const pem = `-----BEGIN CERTIFICATE-----\n${first?.raw.toString('base64')}\n-----END CERTIFICATE-----`;
    const replaces = renewalId(pem);
    assert.equal(asked.ids[0], replaces);
    // RFC 9773 §5: what the server refuses with `replaces` is placed again without it.
    const expected = refusesReplacing ? [undefined, replaces, undefined] : [undefined, replaces];
    assert.deepEqual(
      asked.orders.map((order) => order.replaces),
      expected,
    );
    await eventually('the new one is asked about', () => asked.ids.length === 2);
    assert.deepEqual(await notes(house), []);
  });
}

test('a CA that wants every certificate renewed at once gets one order more, and not the next before half a day', async (t) => {
  const { house, asked } = await hintingHouse(t, { window: () => PAST });
  const note = await waitForNote(house, /the CA wants the certificate a\.test to be renewed again/, 20_000);
  const again = Date.parse(/made at (\S+)$/.exec(note)?.[1] ?? '');
  assert.ok(again - Date.now() > 11.9 * 3600_000, note);
  await house.gateway.reload();
  await sleep(3_000);
  assert.equal(asked.orders.length, 2);
});
