import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { handshake, notes, waitForNote, waitForPair } from '../support/acme-house.ts';
import { eventually } from '../support/eventually.ts';
import { hintingHouse } from '../support/hinting-house.ts';

interface View {
  readonly fingerprint256: string;
}

test('a renewed certificate that is rolled back stays rolled back: the next order waits, and says so until it is rolled forward', async (t) => {
  // The first certificate is to be renewed at once, as one at the end of its life is.
  const window = (index: number) => (index === 0 ? ([-2, -1] as const) : ([20, 30] as const));
  const { house, pebble, tlsPort, asked, yaml } = await hintingHouse(t, { window });
  const root = await waitForPair(tlsPort, 'a.test', pebble);
  const served = async () => (await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256;
  const first = await served();
  await eventually('the renewed certificate is served', async () => (await served()) !== first, 15_000);
  const second = await served();

  const back = await house.call('POST', '/v1/certificates/a.test/rollback');
  assert.deepEqual([back.status, (back.body as View).fingerprint256], [200, first]);
  const note = await waitForNote(house, /a\.test was rolled back or replaced after its last order/);
  const again = Date.parse(/next order is made at (\S+);/.exec(note)?.[1] ?? '');
  const hours = (again - Date.now()) / 3600_000;
  // Twice as long as after a first order that did not last: the CA wanted the one before renewed early.
  assert.ok(hours > 23.9 && hours <= 24, note);
  // Another account at the CA: what keeps the certificate is started anew.
  await house.reconfigure(yaml.replace('email: ops@', 'email: other@'));
  assert.equal(await waitForNote(house, /a\.test was rolled back/), note);
  assert.equal(await served(), first);
  assert.equal(asked.orders.length, 2);
  const lines = await house.log();
  const told = lines.filter(({ msg }) => /rolled back or replaced/.test(String(msg)));
  assert.deepEqual(
    told.map(({ served, ordered }) => [served, ordered]),
    [[first, second]],
  );

  const forward = await house.call('POST', '/v1/certificates/a.test/rollback');
  assert.deepEqual([forward.status, (forward.body as View).fingerprint256], [200, second]);
  await sleep(300);
  assert.deepEqual(await notes(house), []);
  assert.equal(asked.orders.length, 2);
});
