import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { systemClock } from '../../../src/lib/clock.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { openStore } from '../../../src/state/open-store.ts';
import type { Store } from '../../../src/state/store.ts';
import { bytes, code } from '../../contract/rule-words.ts';
import { freePort } from '../../support/redis.ts';

function open(url: string): Store {
  return openStore({ url: new Secret(url), clock: systemClock, logger: silentLogger });
}

it('file:PATH and file:///PATH open the embedded driver', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-open-'));
  const path = join(folder, 'state.db');
  for (const url of [`file:${path}`, pathToFileURL(path).href]) {
    const store = open(url);
    assert.equal(store.health().driver, 'embedded');
    await store.records.put('x', bytes('x'));
    await store.close();
  }
  rmSync(folder, { recursive: true });
});

it('every Redis scheme opens the Redis driver, which begins as down when nobody answers', async () => {
  const port = await freePort();
  const here = `127.0.0.1:${port}`;
  for (const url of [
    `redis://${here}`,
    `rediss://${here}`,
    `redis+sentinel://${here}/house`,
    `redis+cluster://${here}`,
  ]) {
    const store = open(url);
    assert.deepEqual([store.health().driver, store.health().up], ['redis', false]);
    const begun = performance.now();
    await assert.rejects(store.records.get('x'), code('SP_STATE_UNREACHABLE'), url);
    assert.ok(performance.now() - begun < 500, url);
    await store.close();
  }
});

it('an unknown scheme and an empty path are refused with a hint', () => {
  for (const url of [
    '',
    'canary',
    'postgres://canary',
    'file:',
    'file://host/canary',
    'redis:canary',
    'REDIS://canary',
  ]) {
    assert.throws(
      () => open(url),
      (thrown) =>
        code('SP_CONFIG_INVALID')(thrown) &&
        /`state/.test(String(thrown)) &&
        !String(thrown).includes('canary'),
      url,
    );
  }
});
