import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { pause } from '../support/open-streams.ts';
import { type GatewayProcess, startProcess } from '../support/process.ts';
import { startRedis } from '../support/redis.ts';
import { startStreamUpstream } from '../support/stream-upstream.ts';

const SOCKETS = 1_000;
const SESSIONS = 10;
/** Sockets that are opened at once. */
const AT_ONCE = 50;
/** The last byte of an upstream comes before this; */
const LAST_BYTE_MS = 1_000;
/** and clients, all of them in one process here, have taken their leave before that. */
const LAST_CLOSE_MS = 2_000;

interface Watched {
  readonly socket: WebSocket;
  lastByteAt: number;
  closedAt: number;
  code: number;
}

test('1,000 WebSockets over two processes on one Redis end within a second of the revocation', async () => {
  const redis = await startRedis();
  try {
    await revokeAll(redis.url, 'Redis');
  } finally {
    await redis.stop();
  }
});

test('1,000 WebSockets over two processes on one state file end within a second of the revocation', async () => {
  await revokeAll('file:shared.db', 'embedded');
});

async function revokeAll(state: string, name: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-streams-'));
  const upstream = await startStreamUpstream(500);
  const yaml = `listen: { https: "127.0.0.1:0", admin: "127.0.0.1:0", drain: 1s }
state: { url: "${state}", keyFile: shared.key }
certificates: [{ name: localhost, dev: { names: [localhost] } }]
routes: [{ host: localhost, upstream: "${upstream.url}", allow: authenticated }]
`;
  const started: GatewayProcess[] = [];
  try {
    const first = await startProcess({ yaml, folder, name: 'first' });
    started.push(first);
    const second = await startProcess({ yaml, folder, name: 'second' });
    started.push(second);
    const sockets = await openAll([first, second]);
    const revokedAt = performance.now();
    assert.equal((await first.call('DELETE', '/v1/sessions?user=load')).status, 200);
    const answeredMs = performance.now() - revokedAt;
    for (let waited = 0; waited < 5_000 && sockets.some(({ closedAt }) => closedAt === 0); waited += 20) {
      await pause(20);
    }
    const lastByteMs = Math.max(...sockets.map(({ lastByteAt }) => lastByteAt)) - revokedAt;
    const lastCloseMs = Math.max(...sockets.map(({ closedAt }) => closedAt || Infinity)) - revokedAt;
    process.stdout.write(
      `${name}: order answered after ${answeredMs.toFixed(0)} ms, last byte of the upstream after ` +
        `${lastByteMs.toFixed(0)} ms, last of ${sockets.length} sockets closed after ${lastCloseMs.toFixed(0)} ms\n`,
    );
    assert.deepEqual([...new Set(sockets.map(({ code }) => code))], [4401]);
    assert.ok(lastByteMs < LAST_BYTE_MS, `last byte after ${lastByteMs} ms`);
    assert.ok(lastCloseMs < LAST_CLOSE_MS, `last close after ${lastCloseMs} ms`);
  } finally {
    await Promise.all(started.map((house) => house.end()));
    await upstream.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Opens all sockets, half at each process, each process with tokens that the other one issued. */
async function openAll(houses: readonly [GatewayProcess, GatewayProcess]): Promise<Watched[]> {
  const tokens: string[] = [];
  for (let i = 0; i < SESSIONS; i++) {
    const { status, body } = await houses[i % 2 === 0 ? 1 : 0].call('POST', '/v1/tokens', {
      subject: 'load',
    });
    assert.equal(status, 200);
    tokens.push(Object(body).access_token);
  }
  const sockets: Watched[] = [];
  while (sockets.length < SOCKETS) {
    const batch = Array.from({ length: AT_ONCE }, (_, i) => {
      const at = sockets.length + i;
      return open(houses[at % 2 === 0 ? 0 : 1], tokens[at % SESSIONS] ?? '');
    });
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

function open({ port, ca }: GatewayProcess, token: string): Promise<Watched> {
  const headers = { host: `localhost:${port}`, authorization: `Bearer ${token}` };
  const options = { ca, servername: 'localhost', headers };
  const socket = new WebSocket(`wss://127.0.0.1:${port}/ws`, options);
  const watched: Watched = { socket, lastByteAt: 0, closedAt: 0, code: 0 };
  return new Promise((resolve, reject) => {
    socket.on('error', reject);
    socket.on('message', () => {
      watched.lastByteAt = performance.now();
      resolve(watched);
    });
    socket.on('close', (code) => {
      watched.closedAt = performance.now();
      watched.code = code;
    });
  });
}
