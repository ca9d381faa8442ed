import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { authority, days, leaf, NOW } from '../fixtures/certificates/pki.ts';
import { waitForNote } from '../support/acme-house.ts';
import { eventually } from '../support/eventually.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startReceiver } from '../support/receiver.ts';

/** Writes files to a folder that the test's end removes. @returns a maker of their paths */
function place(t: TestContext, files: Readonly<Record<string, string>>): (name: string) => string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-webhook-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text, { mode: 0o600 });
  return (name) => join(folder, name);
}

test('a certificate file that ends in two days is told to a receiver of a private CA, once over a reload', async (t) => {
  const receiver = await startReceiver(t);
  const pair = leaf(authority('Root'), ['site.test'], { notAfterMs: NOW + days(2) });
  const path = place(t, { 'site.crt': pair.certificate, 'site.key': pair.keyPem, 'ca.pem': receiver.ca });
  const yaml = (url: string): string => `certificates:
  - { name: site, files: { certificate: ${path('site.crt')}, key: ${path('site.key')} } }
  - { name: localhost, dev: { names: [localhost] } }
observe:
  level: debug
  webhook: { url: ${url}, secret: { env: HOOK_SECRET }, trust: ${path('ca.pem')} }
`;
  const house = await startTestGateway({
    yaml: yaml('{ env: HOOK_URL }'),
    env: {
      HOOK_URL: `${receiver.origin}/T0/url-canary?k=url-canary`,
      HOOK_SECRET: 'secret-canary of a test',
    },
  });
  t.after(() => house.close());
  await eventually('the notice arrives', () => receiver.received.length > 0);
  const [got] = receiver.received;
  const told = JSON.parse(got?.body ?? '');
  assert.equal(got?.url, '/T0/url-canary?k=url-canary');
  assert.deepEqual(
    [told.event, told.certificate.name, told.certificate.names, told.certificate.source],
    ['certificate-expiring', 'site', ['site.test'], 'files'],
  );
  assert.match(told.id, /\/259200$/);
  const [, seconds, mac] = /^t=(\d+),v1=(\w+)$/.exec(String(got?.headers['x-sallyport-signature'])) ?? [];
  const wanted = createHmac('sha256', 'secret-canary of a test').update(`${seconds}.${got?.body}`);
  assert.equal(mac, wanted.digest('hex'));
  const metrics = await house.call('GET', '/metrics');
  assert.match(String(metrics.body), /sallyport_webhook_notices_total\{outcome="delivered"\} 1/);

  await house.reconfigure(yaml(`"${receiver.origin}/moved-canary"`));
  const last = leaf(authority('Root'), ['last.test'], { notAfterMs: NOW + days(1) - 60_000 });
  await house.call('PUT', '/v1/certificates/last', { certificate: last.certificate, key: last.keyPem });
  await house.reconfigure(yaml(`"${receiver.origin}/moved-canary?again"`));
  await eventually('the second notice arrives', () => receiver.received.length > 1);
  const config = await house.call('GET', '/v1/config');
  const log = JSON.stringify(await house.log()) + JSON.stringify(config.body);
  assert.deepEqual(
    receiver.received.map(({ url }) => url?.split('?')[0]),
    ['/T0/url-canary', '/moved-canary'],
  );
  assert.ok(log.includes(`localhost:${receiver.port}`));
  assert.doesNotMatch(log, /canary/);
});

test('an order that fails is told with its reason', async (t) => {
  const receiver = await startReceiver(t, 'http');
  const yaml = `certificates:
  - { name: site, acme: { names: [a.test], directory: "https://127.0.0.1:1/directory", challenge: tls-alpn-01 } }
  - { name: localhost, dev: { names: [localhost] } }
routes: [{ host: a.test, upstream: "internal:whoami", public: true }]
observe: { webhook: { url: "${receiver.origin}/" } }
`;
  const house = await startTestGateway({ yaml });
  t.after(() => house.close());
  await waitForNote(house, /the certificate site cannot be ordered/);
  await house.reconfigure(yaml);
  await eventually('it is told', () => receiver.received.length > 0);
  await house.reconfigure(yaml);
  const [told, ...more] = receiver.bodies();
  assert.deepEqual(more, []);
  assert.equal(told?.event, 'certificate-order-failed');
  assert.deepEqual(told?.certificate, { name: 'site', names: ['a.test'] });
  assert.match(JSON.stringify(told?.order), /"reason":"unreachable".*ECONNREFUSED.*nextAttemptAt/);
});
