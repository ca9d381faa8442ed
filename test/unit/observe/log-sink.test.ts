import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { makeLogSink } from '../../../src/observe/log-sink.ts';

const SINK = new URL('../../../src/observe/log-sink.ts', import.meta.url).href;

function openFile() {
  const path = join(mkdtempSync(join(tmpdir(), 'sallyport-log-')), 'log');
  return { path, fd: openSync(path, 'a') };
}

test('lines are written in order, after a moment or on flush', async () => {
  const { path, fd } = openFile();
  const sink = makeLogSink({ fd });
  sink.write('one\n');
  assert.equal(readFileSync(path, 'utf8'), '');
  await delay(150);
  assert.equal(readFileSync(path, 'utf8'), 'one\n');
  for (let n = 0; n < 5000; n++) sink.write(`line ${n}\n`);
  await sink.flush();
  const lines = readFileSync(path, 'utf8').trimEnd().split('\n');
  assert.equal(lines.length, 5001);
  assert.equal(lines.at(-1), 'line 4999');
  await sink.close();
  sink.write('after close\n');
  assert.match(readFileSync(path, 'utf8'), /after close\n$/);
  closeSync(fd);
});

test('a reader that stops costs a bounded amount of memory, and what is lost is counted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-fifo-'));
  const path = join(folder, 'fifo');
  execFileSync('mkfifo', [path]);
  // Opened for reading and writing, so that a write finds a reader that never reads.
  const fd = openSync(path, 'r+');
  let dropped = 0;
  const sink = makeLogSink({ fd, maxWaiting: 100_000, onDropped: (lines) => (dropped += lines) });
  const line = `${'x'.repeat(999)}\n`;
  const startedAt = performance.now();
  for (let n = 0; n < 2000; n++) sink.write(line);
  await delay(50);
  for (let n = 0; n < 2000; n++) sink.write(line);
  assert.ok(performance.now() - startedAt < 2000, 'writing never waits');
  assert.ok(dropped > 3000, `dropped ${dropped}`);
  const reader = spawn('cat', [path], { stdio: ['ignore', 'pipe', 'ignore'] });
  let read = 0;
  reader.stdout.on('data', (chunk: Buffer) => {
    read += chunk.length;
  });
  await sink.close();
  const wanted = (4000 - dropped) * line.length;
  while (read < wanted) await delay(5);
  reader.kill();
  closeSync(fd);
  assert.equal(read, wanted);
});

test('closing gives up after a second when nobody reads, and the process can end', async () => {
  const path = join(mkdtempSync(join(tmpdir(), 'sallyport-fifo-')), 'fifo');
  execFileSync('mkfifo', [path]);
  const fd = openSync(path, 'r+');
  const program = `
    import { makeLogSink } from ${JSON.stringify(SINK)};
    let dropped = 0;
    const sink = makeLogSink({ fd: 1, onDropped: (lines) => { dropped += lines; } });
    for (let n = 0; n < 1000; n++) sink.write('x'.repeat(999) + '\\n');
    await sink.close();
    process.exit(dropped > 0 ? 3 : 4);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', fd, 'ignore'],
  });
  const [code] = await once(child, 'close');
  closeSync(fd);
  assert.equal(code, 3);
});

test('a reader that is gone loses lines and not the process', async () => {
  const { fd } = openFile();
  closeSync(fd);
  let dropped = 0;
  const sink = makeLogSink({ fd, onDropped: (lines) => (dropped += lines) });
  sink.write('one\ntwo\n', 2);
  await sink.close();
  assert.equal(dropped, 2);
});

test('what waits is written when the process ends', async () => {
  const program = `
    import { makeLogSink } from ${JSON.stringify(SINK)};
    const sink = makeLogSink({ fd: 1 });
    sink.write('last words\\n');
    process.exit(3);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk));
  const [code] = await once(child, 'close');
  assert.equal(code, 3);
  assert.equal(Buffer.concat(chunks).toString(), 'last words\n');
});
