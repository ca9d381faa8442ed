import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, basic, type Reply, tokenFor } from '../support/ask.ts';
import { pairMaker } from '../support/fresh-pair.ts';
import { type GatewayProcess, startProcess } from '../support/process.ts';
import { type RedisServer, startRedis } from '../support/redis.ts';

const SECRET = 'a shared secret of at least thirty-two bytes';
const PASSWORD = 'correct horse';
const BOUND_MS = 1_000;
const CACHED_REQUESTS = 500;

function config(state: string): string {
  return `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: { url: "${state}", keyFile: state.key }
certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]
authenticate:
  basic: { realm: Test }
  token: [{ issuer: "https://issuer.test", audience: gateway, algorithms: [HS256], key: { secret: { env: ISSUER_SECRET } } }]
routes:
  - { host: localhost, upstream: "internal:whoami", accept: [token, basic], allow: authenticated }
  - { host: localhost, path: /ops, upstream: "internal:whoami", accept: [token, basic], allow: { groups: [ops] } }
`;
}

interface Pair {
  /** Where the admin orders. */
  readonly here: GatewayProcess;
  /** Where the credential is used. */
  readonly there: GatewayProcess;
}

async function twoProcesses(t: TestContext, state: string): Promise<Pair> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-two-'));
  const env = { ISSUER_SECRET: SECRET };
  const here = await startProcess({ yaml: config(state), folder, name: '-a', env });
  const there = await startProcess({ yaml: config(state), folder, name: '-b', env });
  t.after(async () => {
    await Promise.all([here.end(), there.end()]);
    rmSync(folder, { recursive: true, force: true });
  });
  return { here, there };
}

/** Waits until the other process refuses a credential, and gives how long that took. */
async function until(
  there: GatewayProcess,
  headers: object,
  isSo: (reply: Reply) => boolean,
  path = '/',
): Promise<number> {
  const startedMs = performance.now();
  for (;;) {
    const reply = await ask(there, { path, headers: { ...headers } });
    const tookMs = performance.now() - startedMs;
    if (isSo(reply)) return tookMs;
    assert.ok(tookMs < BOUND_MS, `still ${reply.status} after ${Math.round(tookMs)} ms`);
    await sleep(5);
  }
}

const refused = ({ status }: Reply): boolean => status === 401;

async function everyEnding(t: TestContext, { here, there }: Pair): Promise<void> {
  const tell = (what: string, ms: number): void => t.diagnostic(`${what}: ${Math.round(ms)} ms`);
  const put = (body: object) => here.call('PUT', '/v1/users/anna', body);
  await put({ password: PASSWORD, groups: ['ops'] });
  const signIn = async () => {
    const token = await tokenFor(here, 'anna', PASSWORD);
    const { authorization } = token;
    assert.equal((await ask(there, { path: '/ops', headers: { authorization } })).status, 200);
    return { ...token, headers: { authorization } };
  };

  const session = await signIn();
  assert.equal((await here.call('DELETE', `/v1/sessions/${session.sessionId}`)).status, 204);
  tell('a revoked session', await until(there, session.headers, refused));

  const grouped = await signIn();
  await put({ groups: ['staff'] });
  tell('changed groups', await until(there, grouped.headers, ({ status }) => status === 403, '/ops'));
  const whoami = await ask(there, { headers: grouped.headers });
  assert.deepEqual(JSON.parse(whoami.text).groups, ['staff']);
  await put({ groups: ['ops'] });
  await until(there, grouped.headers, ({ status }) => status === 200, '/ops');

  const changed = await signIn();
  const old = basic('anna', PASSWORD);
  assert.equal((await ask(there, { headers: old })).status, 200);
  await put({ password: `${PASSWORD} two` });
  tell('a token after another password', await until(there, changed.headers, refused));
  tell('the old password', await until(there, old, refused));
  await put({ password: PASSWORD });

  const byJti = await signIn();
  const { jti } = JSON.parse(Buffer.from(byJti.token.split('.')[1] ?? '', 'base64url').toString());
  await here.call('POST', '/v1/revocations', { jti });
  tell('a revoked jti', await until(there, byJti.headers, refused));

  const foreign = { authorization: `Bearer ${foreignToken('berta')}` };
  assert.equal((await ask(there, { headers: foreign })).status, 200);
  await here.call('POST', '/v1/revocations', { subject: 'berta' });
  tell('a revoked subject', await until(there, foreign, refused));

  const removed = await signIn();
  await here.call('DELETE', '/v1/users/anna');
  tell('a removed user', await until(there, removed.headers, refused));
}

async function rotationThere(t: TestContext, { here, there }: Pair): Promise<string> {
  const maker = pairMaker(['localhost', '*.localhost']);
  const { certificate, key, fingerprint256, keyDer } = maker.make();
  const door = { port: there.port, ca: `${there.ca}\n${maker.ca}` };
  assert.equal((await here.call('PUT', '/v1/certificates/localhost', { certificate, key })).status, 200);
  const startedMs = performance.now();
  while ((await ask(door, { path: '/.sallyport/jwks.json' })).fingerprint256 !== fingerprint256) {
    assert.ok(performance.now() - startedMs < BOUND_MS, 'the other process still serves the old certificate');
    await sleep(5);
  }
  t.diagnostic(`a rotated certificate: ${Math.round(performance.now() - startedMs)} ms`);
  // A piece of the private scalar: after the header of PKCS#8 and before the public point.
  return keyDer.subarray(36, 68).toString('latin1');
}

test('two processes on one state file: what one ends, the other refuses in under a second', async (t) => {
  const pair = await twoProcesses(t, 'file:state.db');
  await everyEnding(t, pair);
  const scalar = await rotationThere(t, pair);
  for (const file of ['state.db', 'state.db-wal'])
    assertNoKey(readFileSync(join(pair.here.folder, file)), scalar);
});

test('two processes on one Redis: the same, and known identities cost Redis nothing', async (t) => {
  const redis = await startRedis({ persistent: true });
  t.after(() => redis.stop());
  const pair = await twoProcesses(t, redis.url);
  await everyEnding(t, pair);
  await requestsCostNothing(t, pair, redis);
  const scalar = await rotationThere(t, pair);
  assertNoKey(await everyByteOf(redis), scalar);
});

async function requestsCostNothing(t: TestContext, { there }: Pair, redis: RedisServer): Promise<void> {
  await there.call('PUT', '/v1/users/carla', { password: PASSWORD, groups: ['ops'] });
  const { authorization } = await tokenFor(there, 'carla', PASSWORD);
  const headers = { authorization };
  await ask(there, { headers });
  await sleep(100);
  const before = await workOf(redis);
  const startedMs = performance.now();
  for (let sent = 0; sent < CACHED_REQUESTS; sent += 10) {
    await Promise.all(Array.from({ length: 10 }, () => ask(there, { headers })));
  }
  const seconds = (performance.now() - startedMs) / 1_000;
  const grown = (await workOf(redis)) - before;
  t.diagnostic(`${CACHED_REQUESTS} requests in ${seconds.toFixed(1)} s: ${grown} commands`);
  // What remains goes by time: each process follows the log, asks for health and shows itself, and the touch of the one session.
  assert.ok(grown < 20 + seconds * 20, `${grown} commands`);
}

/** Commands that Redis has run, but those of this test. */
async function workOf(redis: RedisServer): Promise<number> {
  const stats = await redis.command('INFO', 'commandstats');
  let calls = 0;
  for (const [, name, count] of stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)) {
    if (name !== 'info' && name !== 'client|setinfo' && name !== 'hello') calls += Number(count);
  }
  return calls;
}

/** Everything that Redis was told to keep, as it wrote it down. */
async function everyByteOf(redis: RedisServer): Promise<Buffer> {
  const setting: unknown = JSON.parse(await redis.command('CONFIG', 'GET', 'dir'));
  const folder = join(Array.isArray(setting) ? String(setting[1]) : '', 'appendonlydir');
  return Buffer.concat(readdirSync(folder).map((file) => readFileSync(join(folder, file))));
}

function assertNoKey(bytes: Buffer, scalar: string): void {
  assert.ok(bytes.length > 1_000, 'there is nothing to search');
  assert.ok(!bytes.includes('PRIVATE KEY'));
  assert.ok(!bytes.includes(Buffer.from(scalar, 'latin1')));
  assert.ok(!bytes.includes(Buffer.from(scalar, 'latin1').toString('base64').slice(2, 38)));
}

function foreignToken(subject: string): string {
  const nowSec = Math.floor(Date.now() / 1000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = {
    iss: 'https://issuer.test',
    aud: 'gateway',
    sub: subject,
    iat: nowSec,
    exp: nowSec + 600,
    jti: 'x',
  };
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
  return `${signed}.${createHmac('sha256', SECRET).update(signed).digest('base64url')}`;
}
