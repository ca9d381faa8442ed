import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { startAcmeFront } from '../support/acme-front.ts';
import { acmeHouse, acmeYaml, handshake, waitForNote, waitForPair } from '../support/acme-house.ts';
import { freePort } from '../support/redis.ts';

test('of several directories the first that fills the order is taken', async (t) => {
  const gone = `https://127.0.0.1:${await freePort()}/dir`;
  const { house, pebble, tlsPort } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['a.test'],
    before: [gone],
  });
  await waitForPair(tlsPort, 'a.test', pebble);
  const lines = await house.log();
  assert.equal(lines.find(({ directory }) => directory === gone)?.reason, 'unreachable');
});

test('a CA that limits the rate is not asked again before the time that it names, not even by a gateway started anew', async (t) => {
  const front = await startAcmeFront(undefined);
  t.after(() => front.close());
  let asked = 0;
  front.intercept = (_req, res) => {
    asked++;
    res.writeHead(429, { 'retry-after': '7200', 'content-type': 'application/problem+json' });
    res.end('{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many orders"}');
    return true;
  };
  const { house, pebble } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['a.test'],
    directory: front.directory,
    prepare: ({ trustFile }) => writeFileSync(trustFile, readFileSync(trustFile, 'utf8') + front.ca),
  });
  const note = await waitForNote(house, /a\.test cannot be ordered/);
  assert.match(note, /429 rateLimited: too many orders/);
  const again = Date.parse(/next attempt at (\S+):/.exec(note)?.[1] ?? '');
  assert.ok(again - Date.now() > 7_000_000, note);
  await house.gateway.reload();
  const yaml = acmeYaml(pebble, { challenge: 'http-01', names: ['a.test'], directory: front.directory });
  await house.reconfigure(yaml.replace('email: ops@', 'email: other@'));
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(asked, 1);
});

test('a certificate that a reload adds is ordered at once, and the one that was there is not ordered again', async (t) => {
  const { house, pebble, tlsPort } = await acmeHouse(t, { challenge: 'tls-alpn-01', names: ['a.test'] });
  const root = await waitForPair(tlsPort, 'a.test', pebble);
  const before = (await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256;
  const [first, second] = ['a.test', 'b.test'].map((name) =>
    acmeYaml(pebble, { challenge: 'tls-alpn-01', names: [name] }),
  );
  const both = `${entries(first)}, ${entries(second)}`;
  const routes = ['a.test', 'b.test'].map(
    (host) => `  - { host: ${host}, upstream: "internal:whoami", public: true }`,
  );
  await house.reconfigure(`certificates: [${both}]\nroutes:\n${routes.join('\n')}\n`);
  await waitForPair(tlsPort, 'b.test', pebble);
  assert.equal((await handshake(tlsPort, 'a.test', root)).peer?.fingerprint256, before);
});

/** Gives what stands between the brackets of `certificates`. */
function entries(yaml = ''): string {
  return /^certificates: \[(.*)\]$/m.exec(yaml)?.[1] ?? '';
}
