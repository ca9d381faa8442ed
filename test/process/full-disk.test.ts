import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask, basic, tokenFor } from '../support/ask.ts';
import { startProcess } from '../support/process.ts';

const PASSWORD = 'correct horse';
const YAML = `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: file:data/state.db
certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]
authenticate: { basic: { realm: Test } }
routes: [{ host: localhost, upstream: "internal:whoami", accept: [token, basic], allow: authenticated }]
`;

test('a state file that cannot grow: known identities go on, writes are refused, nothing is lost, and room heals it', async (t) => {
  const house = await startProcess({ yaml: YAML });
  t.after(() => house.end());
  /** Bounds the size of every file that the process writes: the kernel answers as it does for a disk without room. */
  const bound = (bytes: number | 'unlimited') =>
    execFileSync('prlimit', ['--pid', String(house.pid), `--fsize=${bytes}:unlimited`]);
  const put = (name: string) => house.call('PUT', `/v1/users/${name}`, { password: PASSWORD, groups: [] });
  assert.equal((await put('anna')).status, 200);
  const { authorization } = await tokenFor(house, 'anna', PASSWORD);
  const known = async () => (await ask(house, { headers: { authorization } })).status;
  assert.equal(await known(), 200);

  bound(statSync(join(house.folder, 'data/state.db-wal')).size);
  const refused = await put('berta');
  assert.equal(refused.status, 507, JSON.stringify(refused.body));
  assert.equal(Reflect.get(Object(refused.body), 'code'), 'SP_STATE_FULL');
  for (let round = 0; round < 20; round++) assert.equal(await known(), 200);
  const token = await ask(house, {
    method: 'POST',
    path: '/.sallyport/token',
    headers: basic('anna', PASSWORD),
  });
  assert.ok([503, 507].includes(token.status), `${token.status} ${token.text}`);

  bound('unlimited');
  const endMs = performance.now() + 5_000;
  while ((await put('berta')).status !== 200) {
    assert.ok(performance.now() < endMs, 'it did not come back');
    await sleep(50);
  }
  assert.equal(await known(), 200);
  const { body } = await house.call('GET', '/v1/users');
  assert.deepEqual(
    Array.isArray(body) ? body.map((user: unknown) => Reflect.get(Object(user), 'name')) : body,
    ['anna', 'berta'],
  );
});
