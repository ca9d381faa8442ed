import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { openCertificateHouse } from '../support/certificate-house.ts';
import { clientAuthority, clientLeaf, revocationList } from '../support/client-pki.ts';
import { openHttp1, openHttp2, openWebSocket } from '../support/open-streams.ts';
import { startStreamUpstream } from '../support/stream-upstream.ts';

const root = clientAuthority('Device Root');
const device = clientLeaf(root, { subject: 'device-7' });
const HOSTS = ['strict.localhost', 'soft.localhost'] as const;

/** Opens streams and kept connections of a device that a list has not revoked, at a host of each kind. */
async function openHouse(t: TestContext, list: string) {
  const streaming = await startStreamUpstream();
  const parts = await openCertificateHouse(
    { 'root.crt': root.certificate, 'root.crl': list },
    (file, echo) => `
authenticate:
  certificate:
    - { name: devices, ca: "${file('root.crt')}", crl: "${file('root.crl')}", hosts: [strict.localhost] }
    - { name: guests, ca: "${file('root.crt')}", crl: "${file('root.crl')}", hosts: [soft.localhost], mode: optional }
upstreams:
  echo: { targets: ["${echo}"] }
  endless: { targets: ["${streaming.url}"] }
routes:
  - { host: [strict.localhost, soft.localhost], upstream: echo, accept: [certificate], allow: authenticated }
  - { host: [strict.localhost, soft.localhost], path: /endless, upstream: endless, stripPath: true, accept: [certificate], allow: authenticated }
`,
  );
  t.after(async () => {
    await parts.close();
    await streaming.close();
  });
  const doors = HOSTS.map((host) => ({ ...parts.house, host, client: device }));
  const open = await Promise.all(
    doors.flatMap((door) => [
      openWebSocket(door, '/endless/ws'),
      openHttp2(door, '/endless/ws', true),
      openHttp1(door, '/endless/download'),
      openHttp2(door, '/endless/events'),
    ]),
  );
  const kept = HOSTS.flatMap((host) =>
    parts
      .walks(device, host)
      .slice(0, 2)
      .map((walk) => ({ host, walk })),
  );
  t.after(() => {
    for (const stream of open) stream.close();
    for (const { walk } of kept) walk.close();
  });
  const askKept = (): Promise<readonly number[]> =>
    Promise.all(kept.map(async ({ host, walk }) => (await walk.ask({ host })).status));
  assert.deepEqual(await askKept(), [200, 200, 200, 200]);

  return { parts, open, askKept };
}

type House = Awaited<ReturnType<typeof openHouse>>;

async function allIsOver({ parts, open, askKept }: House): Promise<void> {
  const endings = await Promise.all(open.map((stream) => stream.ended()));
  for (const [at, ending] of endings.entries())
    assert.match(ending, [/^4401 /, /^4401 /, /^broken$/, /^RST 8$/][at % 4] ?? /^$/);
  assert.deepEqual(await askKept(), [421, 421, 421, 421], 'made under another demand');
  assert.deepEqual(
    (await parts.ask(device, { host: 'strict.localhost' })).map(({ status }) => status),
    [0, 0, 0, 0],
  );
  assert.deepEqual(
    (await parts.ask(device, { host: 'soft.localhost' })).map(({ status }) => status),
    [401, 401, 401, 401],
  );
}

test('a list that revokes a certificate ends its open streams, and the next request on its open connections', async (t) => {
  const house = await openHouse(t, revocationList(root, []));
  house.parts.write('root.crl', revocationList(root, [device.cert]));
  await house.parts.house.gateway.reload();
  await allIsOver(house);
});

test('a list that is out of date ends them as well, without a reload: nobody can hide a revocation by holding back lists', async (t) => {
  const endsMs = Math.ceil(Date.now() / 1000) * 1000 + 3000;
  const house = await openHouse(t, revocationList(root, [], endsMs));
  await sleep(endsMs - Date.now());
  await allIsOver(house);
});
