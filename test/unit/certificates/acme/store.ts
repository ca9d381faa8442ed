import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { Secret } from '../../../../src/lib/secret.ts';
import { openStore } from '../../../../src/state/open-store.ts';
import type { Store } from '../../../../src/state/store.ts';

/** Opens an embedded state in a folder of its own, both gone after the test. */
export function openTestStore(t: TestContext): Store {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-acme-'));
  const url = new Secret(`file:${join(folder, 'state.db')}`);
  const store = openStore({ url, clock: Date.now, logger: silentLogger });
  t.after(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return store;
}
