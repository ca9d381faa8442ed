import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ask } from '../support/ask.ts';
import { failToStart, startProcess } from '../support/process.ts';

const YAML = `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: file:data/state.db
certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]
routes: [{ host: localhost, upstream: "internal:whoami", public: true }]
`;
const OTHER = YAML.replace('host: localhost,', 'host: localhost, path: /other,');

test('SIGHUP and a changed file reload; what is wrong is told and the running configuration goes on', async (t) => {
  const house = await startProcess({ yaml: YAML });
  t.after(() => house.end());
  const status = async (path: string) => (await ask(house, { path })).status;

  writeFileSync(house.configFile, 'routes: [\n');
  house.kill('SIGHUP');
  await until(() => /SP_CONFIG_INVALID/.test(house.err()));
  assert.match(house.err(), /sallyport\.yaml:\d+:\d+/);
  assert.equal(await status('/'), 200);

  writeFileSync(house.configFile, OTHER);
  house.kill('SIGHUP');
  await until(async () => (await status('/')) === 404);
  assert.equal(await status('/other'), 200);

  writeFileSync(house.configFile, YAML);
  await until(async () => (await status('/')) === 200);
});

test('a state file that is none is an error at the start that says what to do', async (t) => {
  const house = await startProcess({ yaml: YAML });
  t.after(() => house.end());
  writeFileSync(`${house.folder}/data/garbage.db`, readFileSync(house.configFile).toString().repeat(200));
  const { code, err } = await failToStart({
    yaml: YAML.replace('state.db', 'garbage.db'),
    folder: house.folder,
    name: '-b',
  });
  assert.equal(code, 1);
  assert.match(err, /SP_STATE_(CORRUPT|UNREACHABLE)/);
});

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 6_000;
  while (!(await isSo())) {
    assert.ok(performance.now() < endMs, 'it did not come about');
    await sleep(30);
  }
}
