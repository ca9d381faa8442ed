/**
 * Resident memory per idle TLS connection that has carried one request, nginx beside Sallyport.
 *
 *   node bench/connections.ts [--count 2000]
 */
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { connect, type TLSSocket } from 'node:tls';
import { residentBytes } from './lib/cpu.ts';
import { openLab } from './lib/lab.ts';
import { nginx } from './lib/nginx.ts';
import { numericOptions } from './lib/options.ts';
import type { Lane } from './lib/peer.ts';
import { sallyport } from './lib/sallyport.ts';
import { formatTable } from './lib/table.ts';

/** Enough to have buffers, pools and compiled code in place before the first reading. */
const WARM_UP = 100;
const AT_ONCE = 50;
const SETTLE_MS = 2000;

const options = numericOptions({ count: 2000 });
const say = (line: string): void => void process.stdout.write(`${line}\n`);

const lab = await openLab();
try {
  const lanes = [...(await nginx(lab, say)), ...(await sallyport(lab, say))].filter(
    (lane) => lane.name === 'nginx plain' || lane.name === 'sallyport public',
  );
  const rows = [];
  for (const lane of lanes) rows.push([lane.name, ...(await measure(lane))]);
  say(`\nResident memory with ${options.count} idle TLS connections`);
  say(formatTable([['', 'before, MiB', 'with, MiB', 'KiB per connection'], ...rows]));
} finally {
  await lab.close();
}

async function measure(lane: Lane): Promise<readonly string[]> {
  closeAll(await openMany(lane, WARM_UP));
  await delay(SETTLE_MS);
  const before = residentBytes(lane.pid);
  const sockets = await openMany(lane, options.count);
  await delay(SETTLE_MS);
  const after = residentBytes(lane.pid);
  closeAll(sockets);
  const perConnection = (after - before) / 1024 / options.count;
  return [(before / 2 ** 20).toFixed(1), (after / 2 ** 20).toFixed(1), perConnection.toFixed(1)];
}

async function openMany(lane: Lane, count: number): Promise<readonly TLSSocket[]> {
  const sockets: TLSSocket[] = [];
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(AT_ONCE, count - sockets.length) }, () =>
      openOne(new URL(lane.url)),
    );
    sockets.push(...(await Promise.all(batch)));
  }
  return sockets;
}

async function openOne(url: URL): Promise<TLSSocket> {
  // The certificate was made for this run and nothing secret is sent.
  const socket = connect({
    host: '127.0.0.1',
    port: Number(url.port),
    servername: 'localhost',
    rejectUnauthorized: false,
  });
  await once(socket, 'secureConnect');
  socket.write(`GET ${url.pathname} HTTP/1.1\r\nhost: ${url.host}\r\n\r\n`);
  await once(socket, 'data');
  socket.resume();
  socket.on('error', () => undefined);
  return socket;
}

function closeAll(sockets: readonly TLSSocket[]): void {
  for (const socket of sockets) socket.destroy();
}
