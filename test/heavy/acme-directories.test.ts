import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { startAcmeFront } from '../support/acme-front.ts';
import { acmeHouse, acmeYaml, handshake, notes, waitForNote, waitForPair } from '../support/acme-house.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startPebble } from '../support/pebble.ts';
import { freePort } from '../support/redis.ts';

test('several directories are asked in the order in which they are written, up to the first that fills the order', async (t) => {
  const gone = `https://127.0.0.1:${await freePort()}/dir`;
  const closed = await startAcmeFront(undefined);
  t.after(() => closed.close());
  closed.intercept = (_req, res) => {
    res.writeHead(403, { 'content-type': 'application/problem+json' });
    res.end('{"type":"urn:ietf:params:acme:error:unauthorized","detail":"closed for today"}');
    return true;
  };
  const { house, pebble, tlsPort } = await acmeHouse(t, {
    challenge: 'http-01',
    names: ['a.test'],
    before: [gone, closed.directory],
    prepare: ({ trustFile }) => writeFileSync(trustFile, readFileSync(trustFile, 'utf8') + closed.ca),
  });
  await waitForPair(tlsPort, 'a.test', pebble);
  const refusals = (await house.log()).filter(({ directory }) => directory !== undefined);
  assert.deepEqual(
    refusals.map(({ directory, reason }) => [directory, reason]),
    [
      [gone, 'unreachable'],
      [closed.directory, 'refused'],
    ],
  );
  assert.match(String(refusals[1]?.detail), /403 unauthorized: closed for today/);
  assert.deepEqual(await notes(house), []);
});

test('when the CA of a certificate is down, the next one renews it, and the old one is served until then', async (t) => {
  const [httpPort, tlsPort] = [await freePort(), await freePort()];
  const [first, second] = [
    await startPebble({ httpPort, tlsPort, lifeSec: 12 }),
    await startPebble({ httpPort, tlsPort }),
  ];
  t.after(() => Promise.all([first.stop(), second.stop()]));
  writeFileSync(first.trustFile, [first, second].map((one) => readFileSync(one.trustFile, 'utf8')).join(''));
  const directory = [first.directory, second.directory];
  const house = await startTestGateway({
    yaml: acmeYaml(second, { challenge: 'http-01', names: ['a.test'], before: [first.directory] }).replace(
      second.trustFile,
      first.trustFile,
    ),
    https: `127.0.0.1:${tlsPort}`,
    listen: `http: "127.0.0.1:${httpPort}"`,
  });
  t.after(() => house.close());
  const old = await waitForPair(tlsPort, 'a.test', first);
  await first.kill();
  const roots = old + (await second.root());
  const isNew = async (): Promise<boolean> => {
    const shaken = await handshake(tlsPort, 'a.test', roots);
    assert.equal(shaken.failed, false, 'some certificate that holds is served at any time');
    return !(await handshake(tlsPort, 'a.test', await second.root())).failed;
  };
  const end = performance.now() + 15_000;
  while (!(await isNew())) {
    assert.ok(performance.now() < end, 'the second CA does not fill the order');
    await sleep(50);
  }
  const told = (await house.log()).filter((line) => directory.includes(String(line.directory)));
  assert.deepEqual(
    told.map((line) => [line.directory, line.reason]),
    [[first.directory, 'unreachable']],
  );
  assert.deepEqual(await notes(house), []);
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
