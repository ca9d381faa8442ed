import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { Agent } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { ask, basic, tokenFor } from '../support/ask.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startTraffic } from '../support/traffic.ts';

const PASSWORD = 'correct horse';
const PUBLIC = 'routes: [{ host: localhost, upstream: "internal:whoami", public: true }]\n';
const RELOADS = 50;

async function open(t: TestContext, yaml: string): Promise<TestGateway> {
  const house = await startTestGateway({ yaml });
  t.after(() => house.close());
  return house;
}

const fileOf = (house: TestGateway): string => join(house.folder, 'sallyport.yaml');

test('a configuration that is wrong leaves the running one and tells every problem everywhere', async (t) => {
  const house = await open(t, PUBLIC);
  const good = readFileSync(fileOf(house), 'utf8');
  const wrong = {
    'malformed YAML': 'routes: [',
    'two unknown keys': good.replace('routes:', 'rutes: []\nobserv: {}\nroutes:'),
    'a missing key file': `${good}authenticate: { token: [{ issuer: "https://i.test", audience: a, algorithms: [ES256], key: { file: no.pem } }] }\n`,
    'a missing htpasswd file': `${good}authenticate: { basic: { realm: R, htpasswd: no.htpasswd } }\n`,
  };
  for (const [what, text] of Object.entries(wrong)) {
    writeFileSync(fileOf(house), text);
    const answer = await house.call('POST', '/v1/reload');
    assert.equal(answer.status, 422, what);
    const problems: unknown = Reflect.get(Object(answer.body), 'problems');
    assert.ok(Array.isArray(problems) && problems.length > 0, what);
    if (what === 'two unknown keys') assert.ok(problems.length >= 2, what);
    const notes = JSON.stringify((await house.call('GET', '/v1/readiness')).body);
    for (const problem of problems) assert.ok(notes.includes(JSON.stringify(problem).slice(1, -1)), what);
    assert.equal((await ask(house)).status, 200, what);
  }
  rmSync(fileOf(house));
  assert.equal((await house.call('POST', '/v1/reload')).status, 422);
  const logged = JSON.stringify(await house.log());
  assert.match(logged, /the reload failed; the running configuration goes on/);
  assert.match(String((await house.call('GET', '/metrics')).body), /sallyport_config\w* 0/);
  writeFileSync(fileOf(house), good);
  assert.equal((await house.call('POST', '/v1/reload')).status, 200);
  assert.doesNotMatch(JSON.stringify((await house.call('GET', '/v1/readiness')).body), /last reload failed/);
});

test('routes, sessions, the memory of credentials and the log follow a reload', async (t) => {
  const secured = (rest: string) => `authenticate: { basic: { realm: R }${rest} }
routes: [{ host: localhost, upstream: "internal:whoami", accept: [token, basic], allow: authenticated }]
`;
  const house = await open(t, secured(''));
  await house.call('PUT', '/v1/users/anna', { password: PASSWORD, groups: [] });
  const { authorization } = await tokenFor(house, 'anna', PASSWORD);
  const status = async () => (await ask(house, { headers: { authorization } })).status;
  assert.equal(await status(), 200);
  await sleep(1_100);
  await house.reconfigure(secured(', session: { idle: 1s, absolute: 1s }'));
  assert.equal(await status(), 401);
  await house.reconfigure(`${secured('')}observe: { accessLog: false, level: silent }\n`);
  const before = (await house.log()).length;
  assert.equal((await ask(house, { headers: basic('anna', PASSWORD) })).status, 200);
  assert.equal((await house.log()).length, before);
  await house.reconfigure(PUBLIC);
  assert.equal((await ask(house)).status, 200);
  assert.ok((await house.log()).length > before);
});

test('what a reload cannot apply is named until it is taken back', async (t) => {
  const house = await open(t, PUBLIC);
  const good = readFileSync(fileOf(house), 'utf8');
  const notes = async () => JSON.stringify((await house.call('GET', '/v1/readiness')).body);
  const changed = good
    .replace('drain: 2s', 'drain: 3s, limits: { keepAlive: 5s }')
    .replace('state.db', 'other.db');
  for (const round of [1, 2]) {
    writeFileSync(fileOf(house), `${changed}# ${round}\n`);
    await house.gateway.reload();
    assert.match(await notes(), /applied by a restart only: listen\.limits\.keepAlive, state"/);
  }
  writeFileSync(fileOf(house), good);
  await house.gateway.reload();
  assert.doesNotMatch(await notes(), /restart only/);
});

test('a WebSocket and a slow answer of an unchanged route outlive reloads', async (t) => {
  const port = await upstream(t);
  const routes = (path: string) => `routes:
  - { host: localhost, upstream: "http://127.0.0.1:${port}", public: true, origins: any }
  - { host: localhost, path: /${path}, upstream: "internal:whoami", public: true }
`;
  const house = await open(t, routes('a'));
  const socket = new WebSocket(`wss://127.0.0.1:${house.port}/`, {
    agent: new Agent({ ca: house.ca, servername: 'localhost' }),
    headers: { host: 'localhost' },
  });
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
  const slow = ask(house, { path: '/slow' });
  for (const path of ['b', 'c', 'd']) await house.reconfigure(routes(path));
  const echo = new Promise((resolve) => socket.once('message', (data) => resolve(String(data))));
  socket.send('still here');
  assert.equal(await echo, 'still here');
  assert.equal((await slow).text, 'late');
  socket.terminate();
});

test(`${RELOADS} reloads under load: no failed request, and nothing is left open`, async (t) => {
  const port = await upstream(t);
  const yaml = (
    round: number,
  ) => `upstreams: { back: { targets: ["http://127.0.0.1:${port}"], retries: ${round % 2} } }
routes:
  - { host: localhost, upstream: back, public: true }
  - { host: localhost, path: /round/${round}, upstream: "internal:whoami", public: true }
`;
  const house = await open(t, yaml(0));
  const traffic = startTraffic(house, { keeping: 2, fresh: 1 });
  for (let round = 1; round <= 5; round++) await house.reconfigure(yaml(round));
  await sleep(100);
  const before = { files: openFiles(), timers: timers() };
  for (let round = 6; round <= RELOADS; round++) {
    await house.reconfigure(yaml(round));
    await sleep(20);
  }
  assert.equal((await ask(house, { path: `/round/${RELOADS}` })).status, 200);
  await traffic.stop();
  await sleep(300);
  assert.deepEqual(traffic.failures, []);
  assert.ok(openFiles() <= before.files + 5, `${before.files} files before, ${openFiles()} after`);
  assert.ok(timers() <= before.timers + 5, `${before.timers} timers before, ${timers()} after`);
  t.diagnostic(`${traffic.answered} requests, none failed`);
});

async function upstream(t: TestContext): Promise<number> {
  const server = createServer((request, response) => {
    if (request.url === '/slow') setTimeout(() => response.end('late'), 500);
    else response.end('ok');
  });
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(String(data))));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets.clients) socket.terminate();
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return port;
}

function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

function timers(): number {
  return process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
}
