import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createPlainServer } from 'node:http';
import { type AddressInfo, connect as connectPlain, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'node:tls';
import { ask } from '../support/ask.ts';
import { failToStart, startProcess } from '../support/process.ts';

const CERTIFICATES = 'certificates: [{ name: localhost, dev: { names: [localhost, "*.localhost"] } }]\n';

function config(upstream: string, listen = '', https = '127.0.0.1:0'): string {
  return `listen: { https: "${https}", admin: "127.0.0.1:0", drain: 2s${listen} }
state: file:data/state.db
${CERTIFICATES}routes: [{ host: localhost, upstream: "${upstream}", public: true, origins: any }]
`;
}

test('a port that is taken is one clear line, exit code 1, and nothing is left running', async (t) => {
  const taken = createServer();
  const port = await listen(t, taken);
  const { code, err } = await failToStart({
    yaml: config('internal:whoami', '', `127.0.0.1:${port}`),
    folder: emptyFolder(t),
  });
  assert.equal(code, 1);
  assert.match(
    err,
    new RegExp(
      `^(?:warning: [^\\n]*\\n)?sallyport: 127\\.0\\.0\\.1:${port} is taken by another program[^\\n]*\\n$`,
    ),
  );
});

test('SIGTERM lets a running request end, takes no new one, closes idle connections and exits 0', async (t) => {
  const slow = createPlainServer((_request, response) => setTimeout(() => response.end('late'), 700));
  const port = await listen(t, slow);
  const house = await startProcess({ yaml: config(`http://127.0.0.1:${port}`) });
  t.after(() => house.end());
  const idle = connect({ host: '127.0.0.1', port: house.port, ca: house.ca, servername: 'localhost' });
  const idleClosed = new Promise((resolve) => idle.once('close', resolve));
  await new Promise((resolve) => idle.once('secureConnect', resolve));
  const halfOpen = connectPlain(house.port, '127.0.0.1');
  const running = ask(house, { path: '/slow' });
  await sleep(200);
  const startedMs = performance.now();
  house.kill('SIGTERM');
  await idleClosed;
  assert.ok(performance.now() - startedMs < 500, 'the idle connection was not closed at once');
  await assert.rejects(ask(house), { code: 'ECONNREFUSED' });
  assert.equal((await running).text, 'late');
  assert.deepEqual(await house.ended, { code: 0, signal: null });
  assert.ok(performance.now() - startedMs < 1_800, 'it waited for the bound');
  halfOpen.destroy();
});

test('an answer that does not end is cut at the drain bound, and the exit code is 0', async (t) => {
  const endless = createPlainServer((_request, response) => void response.write('begun'));
  const port = await listen(t, endless);
  const house = await startProcess({ yaml: config(`http://127.0.0.1:${port}`) });
  t.after(() => house.end());
  const cut = assert.rejects(ask(house));
  await sleep(200);
  const startedMs = performance.now();
  house.kill('SIGTERM');
  assert.equal((await house.ended).code, 0);
  const tookMs = performance.now() - startedMs;
  assert.ok(tookMs > 1_500 && tookMs < 4_000, `${tookMs} ms`);
  await cut;
  assert.ok(house.log().some((line) => line.msg === 'connections were cut at the drain bound'));
});

test('a second SIGINT ends the process at once with 130', async (t) => {
  const endless = createPlainServer(() => {});
  const port = await listen(t, endless);
  const house = await startProcess({ yaml: config(`http://127.0.0.1:${port}`) });
  t.after(() => house.end());
  const cut = assert.rejects(ask(house));
  await sleep(200);
  house.kill('SIGINT');
  await sleep(200);
  house.kill('SIGINT');
  assert.equal((await house.ended).code, 130);
  await cut;
});

test('garbage, half-open handshakes and a thousand idle connections leave the gateway serving', async (t) => {
  const house = await startProcess({
    yaml: config('internal:whoami', ', limits: { connectionsPerAddress: 0 }'),
  });
  t.after(() => house.end());
  const sockets: Socket[] = [];
  for (let count = 0; count < 1_000; count++) {
    const socket = connectPlain(house.port, '127.0.0.1').on('error', () => {});
    if (count % 3 === 0) socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    if (count % 3 === 1) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]));
    sockets.push(socket);
    if (count % 100 === 99) await sleep(5);
  }
  assert.equal((await ask(house)).status, 200);
  for (const socket of sockets) socket.destroy();
  assert.equal((await ask(house)).status, 200);
});

test('connections of one address beyond the limit are refused, and those before it go on', async (t) => {
  const house = await startProcess({
    yaml: config('internal:whoami', ', limits: { connectionsPerAddress: 5 }'),
  });
  t.after(() => house.end());
  const held = Array.from({ length: 5 }, () => connectPlain(house.port, '127.0.0.1').on('error', () => {}));
  await sleep(100);
  await assert.rejects(ask(house));
  held[0]?.destroy();
  await sleep(100);
  assert.equal((await ask(house)).status, 200);
  for (const socket of held) socket.destroy();
});

test('an admin token that others may read, and a state key that is lost, are refused with what to do', async (t) => {
  const folder = emptyFolder(t);
  const yaml = config('internal:whoami');
  mkdirSync(join(folder, 'data'), { mode: 0o700 });
  writeFileSync(join(folder, 'data/admin-token'), 'a-token-that-is-long-enough\n');
  chmodSync(join(folder, 'data/admin-token'), 0o644);
  const open = await failToStart({ yaml, folder });
  assert.equal(open.code, 1);
  assert.match(open.err, /may be read by others; run: chmod 600/);
  assert.doesNotMatch(open.err, /long-enough/);
  chmodSync(join(folder, 'data/admin-token'), 0o600);
  const house = await startProcess({ yaml, folder });
  await house.end();
  const keyFile = /\S+state[^\s]*key/;
  rmSync(join(folder, 'data/state.key'), { force: true });
  const lost = await failToStart({ yaml, folder });
  assert.equal(lost.code, 1);
  assert.match(lost.err, /SP_STATE_KEY/);
  assert.match(lost.err, /bring it back/);
  assert.match(lost.err, keyFile);
});

test('a data folder that cannot be made is one clear error', async (t) => {
  const folder = emptyFolder(t);
  writeFileSync(join(folder, 'data'), 'a file, not a folder');
  const { code, err } = await failToStart({ yaml: config('internal:whoami'), folder });
  assert.equal(code, 1);
  assert.match(err, /data/);
  assert.doesNotMatch(err, /\n\s+at /);
});

function emptyFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-start-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function listen(t: TestContext, server: Server): Promise<number> {
  const open = new Set<Socket>();
  server.on('connection', (socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of open) socket.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return port;
}
