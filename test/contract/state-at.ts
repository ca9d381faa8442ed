import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { promisify } from 'node:util';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import { openStore } from '../../src/state/open-store.ts';
import type { Store } from '../../src/state/store.ts';
import type { ContractState } from './store-contract.ts';

const run = promisify(execFile);

/** Opens the state at a URL with the machine's clock. */
export function openAt(url: string): Store {
  return openStore({ url: new Secret(url), clock: systemClock, logger: silentLogger });
}

/** Appends the texts `1` to `count` as events from another process. */
export async function appendElsewhere(url: string, count: number): Promise<void> {
  await run(process.execPath, [join(import.meta.dirname, 'append-events.ts'), url, String(count)]);
}

/** Gives a state file in a folder of its own. */
export async function makeFileState(): Promise<ContractState> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-state-'));
  const path = join(folder, 'state.db');
  const url = `file:${path}`;
  return {
    open: () => openAt(url),
    async trim(keep) {
      const db = new DatabaseSync(path);
      db.exec(`DELETE FROM events WHERE id <= (SELECT max(id) FROM events) - ${keep}`);
      db.close();
    },
    appendFromElsewhere: (count) => appendElsewhere(url, count),
    async remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Gives a state in a Redis that is running: keys under a prefix of their own. `command` reaches the Redis that holds the log. */
export async function makeRedisState(
  base: string,
  command: (...words: readonly string[]) => Promise<string>,
): Promise<ContractState> {
  const prefix = `t${randomBytes(6).toString('hex')}`;
  const url = `${base}${base.includes('?') ? '&' : '?'}prefix=${prefix}`;
  return {
    open: () => openAt(url),
    async trim(keep) {
      await command('XTRIM', `{${prefix}}:events`, 'MAXLEN', String(keep));
    },
    appendFromElsewhere: (count) => appendElsewhere(url, count),
    async remove() {},
  };
}
