import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const run = promisify(execFile);

let house: TestGateway;
before(async () => {
  house = await startTestGateway({
    yaml: `authenticate: { basic: {}, apiKey: { maxLife: 30d } }
routes:
  - { host: localhost, upstream: "internal:whoami", allow: { groups: [ops] } }
  - { host: localhost, path: /recent, upstream: "internal:whoami", allow: authenticated, maxAge: 15m }
`,
  });
  await house.call('PUT', '/v1/users/alice', { password: 'correct horse', groups: ['ops'] });
  writeFileSync(join(house.folder, 'ca.pem'), house.ca);
});
after(() => house.close());

/** Asks with curl. @returns status and body */
async function curl(path: string, ...options: readonly string[]): Promise<{ status: number; text: string }> {
  const url = `https://localhost:${house.port}${path}`;
  const trust = [
    '-sS',
    '--cacert',
    join(house.folder, 'ca.pem'),
    '--resolve',
    `localhost:${house.port}:127.0.0.1`,
  ];
  const { stdout } = await run('curl', [...trust, '-w', '\n%{http_code}', ...options, url]);
  const end = stdout.lastIndexOf('\n');
  return { status: Number(stdout.slice(end + 1)), text: stdout.slice(0, end) };
}

async function make(order: object): Promise<{ key: string; id: string }> {
  const { status, body } = await house.call('POST', '/v1/api-keys', {
    owner: 'alice',
    name: 'curl',
    ...order,
  });
  assert.equal(status, 200, JSON.stringify(body));
  const { key, id } = Object(body);
  return { key, id };
}

test('curl gets in with an app password in each of its three places, and the service behind never sees it', async () => {
  const { key } = await make({});
  for (const options of [
    ['-H', `Authorization: Bearer ${key}`],
    ['-u', `x:${key}`],
    ['-H', `X-Api-Key: ${key}`],
  ]) {
    const { status, text } = await curl('/', ...options);
    assert.equal(status, 200, text);
    assert.equal(JSON.parse(text).user, 'alice');
    assert.equal(text.includes(key), false, String(options[1]?.slice(0, 16)));
  }
  assert.equal((await curl('/', '-u', `x:${key.slice(0, -1)}x`)).status, 401);
});

test('bounds hold, and the log says which one was overstepped', async () => {
  const { key } = await make({ routes: ['localhost/only'], methods: ['GET'], addresses: ['127.0.0.0/8'] });
  const bearer = ['-H', `Authorization: Bearer ${key}`];
  assert.equal((await curl('/only/this', ...bearer)).status, 200);
  assert.equal((await curl('/onlyy', ...bearer)).status, 403);
  assert.equal((await curl('/only', '-X', 'POST', ...bearer)).status, 403);
  assert.equal(
    (await curl('/.sallyport/token', '-X', 'POST', ...bearer)).status,
    403,
    'no way round by a token',
  );
  const reasons = (await house.log()).map(({ reason }) => reason);
  for (const reason of ['key-route', 'key-method']) assert.ok(reasons.includes(reason), reason);
});

test('a route that asks for a recent sign-in takes no app password, and says what would do', async () => {
  const { key } = await make({});
  const { status, text } = await curl('/recent', '-u', `x:${key}`);
  assert.equal(status, 401);
  assert.equal(JSON.parse(text).code, 'SP_AUTHORIZE_REAUTHENTICATE');
  assert.equal((await curl('/recent', '-u', 'alice:correct horse')).status, 200);
});

test('a lost group counts at once', async () => {
  const { key } = await make({});
  assert.equal((await curl('/', '-u', `x:${key}`)).status, 200);
  await house.call('PUT', '/v1/users/alice', { groups: [] });
  assert.equal((await curl('/', '-u', `x:${key}`)).status, 403);
  await house.call('PUT', '/v1/users/alice', { groups: ['ops'] });
});

test('an app password ends when it is revoked, and with its account for ever', async () => {
  const [first, second] = [await make({}), await make({})];
  await curl('/', '-u', `x:${first.key}`);
  assert.equal((await house.call('DELETE', `/v1/api-keys/${first.id}`)).status, 204);
  assert.equal((await curl('/', '-u', `x:${first.key}`)).status, 401);
  assert.equal((await curl('/', '-u', `x:${second.key}`)).status, 200);
  await house.call('DELETE', '/v1/users/alice');
  assert.equal((await curl('/', '-u', `x:${second.key}`)).status, 401);
  await house.call('PUT', '/v1/users/alice', { password: 'correct horse', groups: ['ops'] });
  assert.equal((await curl('/', '-u', `x:${second.key}`)).status, 401, 'a new account inherits nothing');
});

test('an app password outlives the sessions of its owner, unless it is to end with them', async () => {
  const { key } = await make({});
  await house.call('DELETE', '/v1/sessions?user=alice');
  assert.equal((await curl('/', '-u', `x:${key}`)).status, 200);
  await house.call('DELETE', '/v1/sessions?user=alice&keys=true');
  assert.equal((await curl('/', '-u', `x:${key}`)).status, 401);
});

test('the list says when and from where it was last used, and the log never shows one', async () => {
  const { key, id } = await make({});
  await curl('/', '-u', `x:${key}`);
  const lastAddress = async (): Promise<unknown> => {
    const { body } = await house.call('GET', '/v1/api-keys?owner=alice');
    const used = Array.isArray(body) ? body.find((one) => Object(one).id === id) : undefined;
    return Object(used).lastUsedSec > 0 ? Object(used).lastAddress : undefined;
  };
  const end = performance.now() + 6_000;
  while ((await lastAddress()) === undefined && performance.now() < end) await sleep(100);
  assert.equal(await lastAddress(), '127.0.0.1');
  assert.equal(JSON.stringify(await house.log()).includes(key.slice(0, 12)), false);
});

test('a token that was got for an app password ends with it', async () => {
  const { key, id } = await make({});
  const issued = await curl('/.sallyport/token', '-X', 'POST', '-H', `X-Api-Key: ${key}`);
  assert.equal(issued.status, 200, issued.text);
  const { body } = await house.call('GET', '/v1/sessions?user=alice');
  assert.match(JSON.stringify(body), /"device":"Token for curl"/, 'lists show what it is');
  const bearer = ['-H', `Authorization: Bearer ${JSON.parse(issued.text).access_token}`];
  assert.equal((await curl('/', ...bearer)).status, 200);
  assert.equal((await house.call('DELETE', `/v1/api-keys/${id}`)).status, 204);
  assert.equal((await curl('/', ...bearer)).status, 401);
});
