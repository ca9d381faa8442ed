import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer as createPlainServer, type Server as PlainServer } from 'node:http';
import { createServer, type Server } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { authority, leaf } from '../fixtures/certificates/pki.ts';
import { FRONTS } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const DAY_MS = 24 * 3600_000;
const now = Date.now();
const valid = { notBeforeMs: now - 10 * DAY_MS, notAfterMs: now + 10 * DAY_MS };
const ours = authority('Our root', valid);
const theirs = authority('Their root', valid);

const LEAVES = {
  good: leaf(ours, ['localhost'], valid),
  named: leaf(ours, ['internal.test'], valid),
  foreign: leaf(theirs, ['localhost'], valid),
  expired: leaf(ours, ['localhost'], { notBeforeMs: now - 9 * DAY_MS, notAfterMs: now - DAY_MS }),
  future: leaf(ours, ['localhost'], { notBeforeMs: now + DAY_MS, notAfterMs: now + 9 * DAY_MS }),
};
type Name = keyof typeof LEAVES;

let house: TestGateway;
let folder: string;
const servers: (Server | PlainServer)[] = [];
const names: (string | undefined)[] = [];
let requests = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-tls-'));
  writeFileSync(join(folder, 'ours.pem'), ours.certificate);
  writeFileSync(join(folder, 'theirs.pem'), theirs.certificate);
  const ports = new Map<Name, number>();
  for (const name of ['good', 'named', 'foreign', 'expired', 'future'] as const) {
    ports.set(name, await startTls(name));
  }
  const upstream = (name: string, leafName: Name, more = '', ca = 'ours'): string =>
    `  ${name}: { targets: ["https://localhost:${ports.get(leafName)}"], ca: ${folder}/${ca}.pem${more} }\n`;
  house = await startTestGateway({
    yaml: `upstreams:
${upstream('good', 'good')}${upstream('wrong', 'named')}${upstream('named', 'named', ', serverName: internal.test')}${upstream('foreign', 'foreign')}${upstream('theirs', 'foreign', '', 'theirs')}${upstream('expired', 'expired')}${upstream('future', 'future')}${upstream('both', 'good', '', 'theirs')}  system: { targets: ["https://localhost:${ports.get('good')}"] }
  plain: { targets: ["https://localhost:${await startPlain()}"], ca: ${folder}/ours.pem }
routes:
${['good', 'wrong', 'named', 'foreign', 'theirs', 'expired', 'future', 'both', 'system', 'plain'].map((name) => `  - { host: ${name}.localhost, upstream: ${name}, public: true }`).join('\n')}
`,
  });
});

after(async () => {
  await house.close();
  for (const server of servers) {
    server.closeAllConnections();
    server.close();
  }
  await rm(folder, { recursive: true });
});

function startTls(name: Name): Promise<number> {
  const { certificate, keyPem } = LEAVES[name];
  const server = createServer({ cert: certificate, key: keyPem }, (req, res) => {
    requests++;
    names.push(Reflect.get(req.socket, 'servername'));
    res.end(name);
  });
  return listen(server);
}

function startPlain(): Promise<number> {
  return listen(createPlainServer((_req, res) => res.end('plain')));
}

async function listen(server: Server | PlainServer): Promise<number> {
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

for (const front of FRONTS) {
  test(`${front.name}: an upstream that proves its name to the named CA is used`, async () => {
    assert.equal((await front.ask(house, { host: 'good.localhost' })).text, 'good');
    assert.equal((await front.ask(house, { host: 'named.localhost' })).text, 'named');
    assert.equal(names.at(-1), 'internal.test');
    assert.equal((await front.ask(house, { host: 'theirs.localhost' })).text, 'foreign');
  });

  test(`${front.name}: one that cannot is 502 and gets no request: other name, other CA, expired, not yet valid, no TLS`, async () => {
    const before = requests;
    for (const name of ['wrong', 'foreign', 'expired', 'future', 'system', 'plain']) {
      const told = await front.ask(house, {
        host: `${name}.localhost`,
        headers: { authorization: 'Basic eDp5' },
      });
      assert.equal(told.status, 502, name);
      assert.equal(JSON.parse(told.text).code, 'SP_FORWARD_TLS', name);
    }
    assert.equal(requests, before);
  });

  test(`${front.name}: an upstream with another CA never shares the connection or the TLS session of one that trusts it`, async () => {
    for (let round = 0; round < 3; round++) {
      assert.equal((await front.ask(house, { host: 'good.localhost' })).text, 'good');
      const told = await front.ask(house, { host: 'both.localhost' });
      assert.equal(JSON.parse(told.text).code, 'SP_FORWARD_TLS');
    }
  });
}
