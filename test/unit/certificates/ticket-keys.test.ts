import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { TicketKeys } from '../../../src/certificates/ticket-keys.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';

const HOUR_MS = 3600_000;

async function ground(t: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'sp-tickets-'));
  const store = openEmbeddedStore({ path: join(folder, 'state.db'), clock: Date.now, logger: silentLogger });
  const sealer = makeSealer(randomBytes(32));
  const time = { ms: 1_000 * 12 * HOUR_MS };
  const opened: TicketKeys[] = [];
  t.after(async () => {
    for (const keys of opened) keys.close();
    await store.close();
    await rm(folder, { recursive: true, force: true });
  });
  const open = async (with_ = sealer) => {
    const keys = await TicketKeys.load({
      records: store.records,
      sealer: with_,
      clock: () => time.ms,
      logger: silentLogger,
    });
    opened.push(keys);
    return keys;
  };
  return { store, time, open };
}

test('processes that start at once have the same key, and it is sealed', async (t) => {
  const { store, open } = await ground(t);
  const keys = await Promise.all([open(), open(), open()]);
  const [first] = keys;
  assert.equal(first?.current.length, 48);
  for (const one of keys) assert.deepEqual(one.current, first?.current);
  const stored = await store.records.get('ticket-keys');
  assert.ok(stored !== undefined && first !== undefined);
  assert.equal(Buffer.from(stored.value).includes(first.current), false);
});

test('every process changes to the same next key when its time comes, also when the state is away', async (t) => {
  const { store, time, open } = await ground(t);
  const [a, b] = [await open(), await open()];
  const old = a.current;
  const heard: Buffer[] = [];
  a.onChange((key) => heard.push(key));
  time.ms += 11 * HOUR_MS;
  await a.refresh();
  assert.deepEqual([a.current, heard], [old, []]);
  time.ms += HOUR_MS;
  await b.refresh();
  await store.close();
  await a.refresh();
  assert.notDeepEqual(a.current, old);
  assert.deepEqual(a.current, b.current);
  assert.deepEqual(heard, [a.current]);
  // Beyond the next one a process goes on alone, with a key that nobody keeps.
  time.ms += 12 * HOUR_MS;
  const second = a.current;
  await a.refresh();
  assert.notDeepEqual(a.current, second);
  const third = a.current;
  await a.refresh();
  assert.deepEqual(a.current, third);
});

test('a key that is over is kept nowhere', async (t) => {
  const { time, open } = await ground(t);
  const first = await open();
  const old = first.current;
  time.ms += 24 * HOUR_MS;
  const later = await open();
  assert.notDeepEqual(later.current, old);
  time.ms -= 24 * HOUR_MS;
  assert.notDeepEqual((await open()).current, old);
});

test('keys that another sealing key hides are replaced', async (t) => {
  const { open } = await ground(t);
  await open();
  const other = makeSealer(randomBytes(32));
  const [a, b] = [await open(other), await open(other)];
  assert.deepEqual(a.current, b.current);
});
