import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, basic, tokenFor } from '../support/ask.ts';
import { type GatewayProcess, startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { startTraffic } from '../support/traffic.ts';

const SECRET = 'a shared secret of at least thirty-two bytes';
const PASSWORD = 'correct horse';
const HEAL_MS = 6_000;

function config(state: string): string {
  return `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: { url: "${state}", keyFile: state.key }
certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]
authenticate:
  basic: { realm: Test }
  token: [{ issuer: "https://issuer.test", audience: gateway, algorithms: [HS256], key: { secret: { env: ISSUER_SECRET } } }]
routes:
  - { host: localhost, upstream: "internal:whoami", accept: [token, basic], allow: authenticated }
  - { host: localhost, path: /closed, upstream: "internal:whoami", allow: authenticated, storeDown: closed }
  - { host: localhost, path: /known, upstream: "internal:whoami", allow: authenticated, storeDown: open-to-known }
  - { host: localhost, path: /public, upstream: "internal:whoami", public: true }
`;
}

test('a Redis that is killed and comes back: known identities go on, nothing is lost, what was revoked meanwhile counts', async (t) => {
  const redis = await startRedis({ persistent: true });
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-outage-'));
  const env = { ISSUER_SECRET: SECRET };
  const house = await startProcess({ yaml: config(redis.url), folder, name: '-a', env });
  const other = await startProcess({ yaml: config(redis.url), folder, name: '-b', env });
  t.after(async () => {
    await Promise.all([house.end(), other.end()]);
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });
  await house.call('PUT', '/v1/users/anna', { password: PASSWORD, groups: ['ops'] });
  const kept = await tokenFor(house, 'anna', PASSWORD);
  const doomed = await tokenFor(house, 'anna', PASSWORD);
  const status = async (path: string, authorization?: string) =>
    (await ask(house, { path, ...(authorization === undefined ? {} : { headers: { authorization } }) }))
      .status;
  for (const { authorization } of [kept, doomed]) assert.equal(await status('/', authorization), 200);
  const traffic = startTraffic(house, {
    keeping: 2,
    fresh: 1,
    question: { headers: { authorization: kept.authorization } },
  });

  await redis.kill();
  await until(async () => (await status('/closed', kept.authorization)) === 503);
  assert.equal(await status('/', kept.authorization), 200);
  assert.equal(await status('/known', kept.authorization), 200);
  assert.equal(await status('/public'), 200);
  const refused = await ask(house, { headers: basic('anna', `${PASSWORD} not seen yet`) });
  assert.equal(refused.status, 503);
  assert.equal(JSON.parse(refused.text).code, 'SP_AUTHENTICATE_UNAVAILABLE');
  assert.match(await notes(house), /state cannot be reached/);

  house.kill('SIGSTOP');
  await redis.restart();
  await until(async () => (await other.call('DELETE', `/v1/sessions/${doomed.sessionId}`)).status === 204);
  house.kill('SIGCONT');
  await until(async () => (await status('/', doomed.authorization)) === 401);
  await until(async () => (await status('/closed', kept.authorization)) === 200);
  assert.equal((await tokenFor(house, 'anna', PASSWORD)).token.split('.').length, 3);
  await traffic.stop();
  assert.deepEqual(traffic.failures, []);
  assert.doesNotMatch(await notes(house), /state cannot be reached/);
  t.diagnostic(`${traffic.answered} requests of a known identity, none failed`);
});

test('a gateway started while Redis is down serves what needs no state, says why not the rest, and heals by itself', async (t) => {
  const redis = await startRedis({ persistent: true });
  await redis.kill();
  const house = await startProcess({ yaml: config(redis.url), env: { ISSUER_SECRET: SECRET } });
  t.after(async () => {
    await house.end();
    await redis.stop();
  });
  assert.equal((await ask(house, { path: '/public' })).status, 200);
  const foreign = { authorization: `Bearer ${foreignToken('berta')}` };
  const unknown = await ask(house, { headers: foreign });
  assert.equal(unknown.status, 503, 'it may have been revoked before the start');
  const refused = await ask(house, { headers: basic('anna', PASSWORD) });
  assert.equal(refused.status, 503);
  assert.equal(JSON.parse(refused.text).code, 'SP_AUTHENTICATE_UNAVAILABLE');
  const written = await house.call('PUT', '/v1/users/anna', { password: PASSWORD, groups: [] });
  assert.equal(written.status, 503);
  assert.match(JSON.stringify(written.body), /SP_STATE_UNREACHABLE/);
  assert.match(await notes(house), /state cannot be reached/);
  await redis.restart();
  await until(
    async () =>
      (await house.call('PUT', '/v1/users/anna', { password: PASSWORD, groups: [] })).status === 200,
  );
  await until(async () => {
    const reply = await ask(house, {
      method: 'POST',
      path: '/.sallyport/token',
      headers: basic('anna', PASSWORD),
    });
    return reply.status === 200;
  });
  await until(async () => (await ask(house, { headers: foreign })).status === 200);
  const { authorization } = await tokenFor(house, 'anna', PASSWORD);
  assert.equal((await ask(house, { headers: { authorization } })).status, 200);
  assert.doesNotMatch(await notes(house), /state cannot be reached/);
});

async function notes(house: GatewayProcess): Promise<string> {
  return JSON.stringify((await house.call('GET', '/v1/readiness')).body);
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + HEAL_MS;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, 'it did not come about');
    await sleep(20);
  }
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
