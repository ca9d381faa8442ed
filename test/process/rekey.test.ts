import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { ask } from '../support/ask.ts';
import { pairMaker } from '../support/fresh-pair.ts';
import { startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const SITE = '/v1/certificates/localhost';

for (const driver of ['redis', 'file'] as const) {
  test(`a state (${driver}) is moved to another key under a running gateway; afterwards the old key opens nothing and is not needed`, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'sallyport-rekey-'));
    const redis = driver === 'redis' ? await startRedis({ persistent: true }) : undefined;
    const yaml = `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: { url: "${redis?.url ?? 'file:state.db'}", keyFile: state.key }
certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]
routes: [{ host: localhost, upstream: "internal:whoami", public: true }]
`;
    const rekey = (...words: readonly string[]) => {
      const args = [MAIN, 'state', 'rekey', '-c', 'sallyport.yaml', ...words];
      return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' });
    };
    const first = await startProcess({ yaml, folder });
    let last = first;
    t.after(async () => {
      await last.end();
      await redis?.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const maker = pairMaker(['localhost', '*.localhost']);
    const pairs = [maker.make(), maker.make(), maker.make()];
    for (const { certificate, key } of pairs.slice(0, 2)) {
      assert.equal((await first.call('PUT', SITE, { certificate, key })).status, 200);
    }
    const keyFile = join(folder, 'state.key');
    const old = readFileSync(keyFile, 'utf8').trim();
    const fresh = randomBytes(32).toString('base64');
    writeFileSync(join(folder, 'new.key'), `${fresh}\n`, { mode: 0o600 });
    for (const counted of [/^([1-9]\d*) records were sealed anew/, /^0 records were sealed anew/]) {
      const done = rekey('--new-key-file', 'new.key');
      assert.equal(done.status, 0, done.stderr);
      assert.match(done.stdout, counted);
      assert.ok(!`${done.stdout}${done.stderr}`.includes(fresh));
    }
    assert.deepEqual(readFileSync(keyFile, 'utf8').trim().split('\n'), [fresh, old]);
    assert.equal(statSync(keyFile).mode & 0o777, 0o600);
    const back = await first.call('POST', `${SITE}/rollback`);
    assert.equal(back.status, 200, JSON.stringify(back.body));
    const forgotten = rekey('--forget');
    assert.equal(forgotten.status, 0, forgotten.stderr);
    assert.equal(readFileSync(keyFile, 'utf8').trim(), fresh);
    const { certificate, key, fingerprint256 } = pairs[2] ?? maker.make();
    assert.equal((await first.call('PUT', SITE, { certificate, key })).status, 200);
    await first.end();
    last = await startProcess({ yaml, folder });
    const seen = await ask({ port: last.port, ca: `${last.ca}\n${maker.ca}` });
    assert.equal(seen.fingerprint256, fingerprint256);
    assert.equal((await last.call('POST', `${SITE}/rollback`)).status, 200);
    assert.ok(!JSON.stringify(last.log()).includes('SP_STATE_KEY'));
  });
}
