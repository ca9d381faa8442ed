import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, it, type TestContext } from 'node:test';
import type { GatewayError } from '../../../src/errors.ts';
import { systemClock } from '../../../src/lib/clock.ts';
import { type EmbeddedOptions, openEmbeddedStore } from '../../../src/state/embedded.ts';
import type { Store } from '../../../src/state/store.ts';
import { bytes, code, text, until } from '../../contract/rule-words.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-embedded-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
function newPath(): string {
  files += 1;
  return join(folder, `f${files}`, 'state.db');
}

interface Said {
  readonly level: string;
  readonly message: string;
  readonly fields: object;
}

function open(
  t: TestContext,
  path: string,
  more: Partial<EmbeddedOptions> = {},
): { store: Store; said: Said[] } {
  const said: Said[] = [];
  const log = (level: string) => (fields: object, message: string) =>
    void said.push({ level, message, fields });
  const logger = { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') };
  const store = openEmbeddedStore({ path, clock: systemClock, logger, ...more });
  t.after(() => store.close());
  return { store, said };
}

it('the file is made for its owner only, and so is its folder', async (t) => {
  const path = newPath();
  const { store } = open(t, path);
  await store.records.put('x', bytes('x'));
  assert.equal(statSync(join(path, '..')).mode & 0o777, 0o700);
  for (const file of [path, `${path}-wal`, `${path}-shm`])
    assert.equal(statSync(file).mode & 0o777, 0o600, file);
});

it('a file that is no state file is refused, left as it is, and the error says what to do', (t) => {
  const path = newPath();
  mkdirSync(join(path, '..'));
  const garbage = 'not a database '.repeat(1000);
  writeFileSync(path, garbage);
  assert.throws(
    () => open(t, path),
    (thrown) => code('SP_STATE_CORRUPT')(thrown) && /move it away/.test(String(thrown)),
  );
  assert.equal(readFileSync(path, 'utf8'), garbage);
  assert.ok(!existsSync(`${path}-wal`));
});

it('a database of another program and one of a later format are refused', (t) => {
  for (const [sql, what] of [
    ['CREATE TABLE theirs (x)', /another program/],
    ['CREATE TABLE t (x); PRAGMA application_id = 0x53505374; PRAGMA user_version = 99', /format 99/],
  ] as const) {
    const path = newPath();
    mkdirSync(join(path, '..'));
    const db = new DatabaseSync(path);
    db.exec(sql);
    db.close();
    assert.throws(
      () => open(t, path),
      (thrown) => code('SP_STATE_CORRUPT')(thrown) && what.test(String(thrown)),
    );
  }
});

it('a path that cannot be a file is refused at once, by name', (t) => {
  const isFolder = newPath();
  mkdirSync(isFolder, { recursive: true });
  assert.throws(
    () => open(t, isFolder),
    (thrown) =>
      code('SP_STATE_UNREACHABLE')(thrown) && /state\.db cannot be opened: EISDIR/.test(String(thrown)),
  );
  writeFileSync(join(folder, 'plain'), '');
  assert.throws(() => open(t, join(folder, 'plain', 'state.db')), code('SP_STATE_UNREACHABLE'));
});

it('a full disk: writes say so, nothing is half-written, reads go on, and writes return with the room', async (t) => {
  const { store, said } = open(t, newPath(), { maxPages: 80 });
  const big = new Uint8Array(16_000).fill(7);
  let written = 0;
  const fill = async (): Promise<void> => {
    for (; written < 1000; written += 1) await store.records.put(`big ${written}`, big, { indexes: ['big'] });
  };
  await assert.rejects(
    fill(),
    (thrown) => code('SP_STATE_FULL')(thrown) && /disk is full/.test(String(thrown)),
  );
  assert.equal(await store.records.get(`big ${written}`), undefined);
  assert.equal((await store.records.list('big')).records.length, written);
  assert.deepEqual((await store.records.get('big 0'))?.value, big);
  assert.equal(store.health().up, true, 'reads are answered');
  await assert.rejects(store.records.put('more', big), code('SP_STATE_FULL'));
  assert.equal(said.filter(({ message }) => message === 'the state has no room left').length, 1, 'said once');
  for (let index = 0; index < 5; index += 1) await store.records.delete(`big ${index}`);
  assert.ok(await store.records.put('more', big));
  await until(
    () => said.some(({ message }) => message === 'the state has room again'),
    1000,
    'room is noticed',
  );
});

it('a full disk while a record is replaced leaves the old value', async (t) => {
  const { store } = open(t, newPath(), { maxPages: 40 });
  const version = await store.records.put('x', bytes('old'), { indexes: ['here'] });
  await assert.rejects(
    store.records.put('x', new Uint8Array(500_000), { indexes: ['there'] }),
    code('SP_STATE_FULL'),
  );
  const found = await store.records.get('x');
  assert.deepEqual([text(found?.value), found?.version], ['old', version]);
  assert.deepEqual((await store.records.list('there')).records, []);
  assert.equal((await store.records.list('here')).records.length, 1);
});

it('while another program holds the lock writes are rejected, then without waiting, and go on by themselves', async (t) => {
  const path = newPath();
  const { store, said } = open(t, path);
  await store.records.put('x', bytes('x'));
  const changes: boolean[] = [];
  store.onHealth(({ up }) => changes.push(up));
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec('BEGIN IMMEDIATE');
  await assert.rejects(
    store.records.put('x', bytes('y')),
    (thrown) => code('SP_STATE_UNREACHABLE')(thrown) && /locked by another program/.test(String(thrown)),
  );
  assert.equal(store.health().up, false);
  const begun = performance.now();
  for (let index = 0; index < 5; index += 1) {
    await assert.rejects(store.events.append(bytes('y')), code('SP_STATE_UNREACHABLE'));
  }
  assert.ok(performance.now() - begun < 100, 'no call waits while it is down');
  assert.equal(text((await store.records.get('x'))?.value), 'x', 'reads go on');
  other.exec('ROLLBACK');
  await until(() => store.health().up, 1000, 'up');
  assert.ok(await store.records.put('x', bytes('z')));
  assert.deepEqual(changes, [false, true]);
  assert.equal(said.filter(({ level }) => level === 'error').length, 1, 'said once');
});

it('a file that is locked at the start is no failure: the store begins as down and comes up', async (t) => {
  const path = newPath();
  mkdirSync(join(path, '..'));
  const other = new DatabaseSync(path);
  t.after(() => other.close());
  other.exec('BEGIN EXCLUSIVE');
  const { store } = open(t, path);
  assert.equal(store.health().up, false);
  await assert.rejects(store.records.get('x'), code('SP_STATE_UNREACHABLE'));
  other.exec('ROLLBACK');
  await until(() => store.health().up, 2000, 'up');
  assert.ok(await store.records.put('x', bytes('x')));
});

it('expiry is decided by the clock at the read, though nothing was swept', async (t) => {
  let nowMs = 1_000_000;
  const { store } = open(t, newPath(), { clock: () => nowMs });
  await store.records.put('x', bytes('x'), { ttlMs: 1000, indexes: ['all'] });
  await store.counters.increment('c', 1000);
  const lease = await store.leases.acquire('l', 'a', 1000);
  nowMs += 999;
  assert.equal((await store.records.get('x'))?.expiresAtMs, 1_001_000);
  assert.deepEqual(await store.counters.read('c'), { count: 1, resetsAtMs: 1_001_000 });
  nowMs += 1;
  assert.equal(await store.records.get('x'), undefined);
  assert.deepEqual((await store.records.list('all')).records, []);
  assert.deepEqual(await store.counters.read('c'), { count: 0, resetsAtMs: 1_001_000 });
  assert.ok(lease);
  assert.equal(await store.leases.renew(lease, 1000), false);
});

it('what was written survives a kill of the process', async (t) => {
  const path = newPath();
  const signal = await runProcess(path, [
    "for (let i = 0; i < 100; i += 1) await store.records.put('k' + i, Buffer.from('v'), { indexes: ['all'] });",
    "process.kill(process.pid, 'SIGKILL');",
  ]);
  assert.equal(signal, 'SIGKILL');
  const { store } = open(t, path);
  assert.equal((await store.records.list('all')).records.length, 100);
});

it('four processes that open a new file and write at once lose nothing', async (t) => {
  const path = newPath();
  const work = [
    "for (let i = 0; i < 250; i += 1) await store.counters.increment('c', 60_000);",
    'for (let i = 0; i < 250; i += 1) await store.events.append(Buffer.from(String(i)));',
    'await store.close();',
  ];
  const ends = await Promise.all([1, 2, 3, 4].map(() => runProcess(path, work)));
  assert.deepEqual(ends, [0, 0, 0, 0]);
  const { store } = open(t, path);
  assert.equal((await store.counters.read('c')).count, 1000);
  assert.match(await store.events.tail(), /-1000$/);
});

/** Runs statements on a `store` in a process of its own. @returns its exit code, or the signal that ended it */
async function runProcess(path: string, statements: readonly string[]): Promise<unknown> {
  const source = `
    import { openEmbeddedStore } from ${JSON.stringify(new URL('../../../src/state/embedded.ts', import.meta.url).href)};
    const logger = { debug() {}, info() {}, warn() {}, error: console.error };
    const store = openEmbeddedStore({ path: ${JSON.stringify(path)}, clock: Date.now, logger });
    ${statements.join('\n')}`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', source], { stdio: 'inherit' });
  return await new Promise((resolve) => child.once('exit', (exit, signal) => resolve(signal ?? exit)));
}

it('a closed store can be asked to follow, and says nothing', async (t) => {
  const { store } = open(t, newPath());
  await store.close();
  assert.equal(
    await store.events.tail().then(String, (thrown: GatewayError) => thrown.code),
    'SP_STATE_UNREACHABLE',
  );
  assert.doesNotThrow(() =>
    store.events.follow(
      '0-0',
      () => {},
      () => {},
    )(),
  );
});
