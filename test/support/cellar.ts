import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../src/errors.ts';
import type { Logger } from '../../src/lib/logger.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { openEmbeddedStore } from '../../src/state/embedded.ts';
import { Notices } from '../../src/state/notices.ts';
import type { Store } from '../../src/state/store.ts';

/** A clock that the test moves, and an embedded state on a temp file whose line the test can cut. */
export interface Cellar {
  readonly folder: string;
  /** The state as one process sees it. */
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: () => number;
  /** Moves the clock, milliseconds. */
  advance(ms: number): void;
  /** Cuts or mends the line of `store`; what it throws meanwhile is SP_STATE_UNREACHABLE. */
  cut(isCut: boolean): void;
  /** Gives the state as another process sees it. */
  another(): Promise<{ readonly store: Store; readonly notices: Notices }>;
}

/** Opens an empty cellar that the test's end clears away; notices are not started. */
export function openCellar(t: TestContext): Cellar {
  const folder = mkdtempSync(join(tmpdir(), 'cellar-'));
  let nowMs = 1_800_000_000_000;
  let isCut = false;
  const clock = () => nowMs;
  const open = () => openEmbeddedStore({ path: join(folder, 'state.db'), clock, logger: silentLogger });
  const opened: { store: Store; notices: Notices }[] = [];
  const furnish = (store: Store) => {
    const notices = new Notices({ store, logger: silentLogger });
    opened.push({ store, notices });
    return { store, notices };
  };
  t.after(async () => {
    for (const { store, notices } of opened) {
      notices.close();
      await store.close();
    }
    rmSync(folder, { recursive: true });
  });
  const first = furnish(withSwitch(open(), () => isCut));
  return {
    folder,
    ...first,
    clock,
    advance: (ms) => {
      nowMs += ms;
    },
    cut: (value) => {
      isCut = value;
    },
    another: async () => {
      const other = furnish(open());
      await other.notices.start();
      return other;
    },
  };
}

/** Waits until a condition holds. @throws after two seconds */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const end = performance.now() + 2_000;
  while (!(await holds())) {
    if (performance.now() > end) throw new Error('it did not come about within two seconds');
    await sleep(10);
  }
}

/** A logger that keeps what it is told. */
export function listeningLogger(): Logger & { readonly lines: string[] } {
  const lines: string[] = [];
  const keep = (level: string) => (fields: object, message: string) => {
    lines.push(`${level} ${message} ${JSON.stringify(fields)}`);
  };
  return { lines, debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') };
}

function withSwitch(store: Store, isCut: () => boolean): Store {
  const gate = async () => {
    if (isCut()) throw new GatewayError('SP_STATE_UNREACHABLE', { reason: 'cut' });
  };
  const { records, counters, leases, events } = store;
  return {
    records: {
      get: (key) => gate().then(() => records.get(key)),
      put: (key, value, options) => gate().then(() => records.put(key, value, options)),
      delete: (key, options) => gate().then(() => records.delete(key, options)),
      list: (index, options) => gate().then(() => records.list(index, options)),
    },
    counters: {
      increment: (name, windowMs, by) => gate().then(() => counters.increment(name, windowMs, by)),
      read: (name) => gate().then(() => counters.read(name)),
      reset: (name) => gate().then(() => counters.reset(name)),
    },
    leases,
    events: {
      append: (value) => gate().then(() => events.append(value)),
      tail: () => gate().then(() => events.tail()),
      follow: (from, onEvents, onGap) => events.follow(from, onEvents, onGap),
    },
    health: () => store.health(),
    onHealth: (listener) => store.onHealth(listener),
    close: () => store.close(),
  };
}
