import assert from 'node:assert/strict';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { watchFiles } from '../../../src/config/watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-watch-'));
after(() => rmSync(folder, { recursive: true }));

test('a change, a replacement and a removal are each told once, and nothing after the end', async () => {
  const file = join(folder, 'a');
  writeFileSync(file, 'one');
  let calls = 0;
  const stop = watchFiles([file, join(folder, 'absent')], () => calls++, { intervalMs: 5, quietMs: 30 });
  await sleep(60);
  assert.equal(calls, 0);
  for (const text of ['two', 'three', 'four']) {
    writeFileSync(file, text);
    await sleep(8);
  }
  await until(() => calls === 1);
  writeFileSync(join(folder, 'b'), 'four');
  renameSync(join(folder, 'b'), file);
  await until(() => calls === 2);
  rmSync(file);
  await until(() => calls === 3);
  writeFileSync(join(folder, 'absent'), 'here now');
  await until(() => calls === 4);
  stop();
  stop();
  writeFileSync(file, 'five');
  await sleep(80);
  assert.equal(calls, 4);
});

async function until(condition: () => boolean): Promise<void> {
  const endMs = performance.now() + 5000;
  while (!condition()) {
    assert.ok(performance.now() < endMs, 'it did not happen in time');
    await sleep(5);
  }
}
