/**
 * What thousands of certificates cost: the time to start, memory, the CPU time of a handshake beside a gateway with one
 * certificate, and the time to rotate one.
 *
 *   node bench/certificates.ts [--count 10000] [--rounds 5] [--handshakes 500]
 */
import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { connect } from 'node:tls';
import { buildCertificate } from '../src/certificates/x509-builder.ts';
import { type Child, startChild } from './lib/child.ts';
import { cpuMicros, residentBytes } from './lib/cpu.ts';
import { freePort } from './lib/free-port.ts';
import { numericOptions } from './lib/options.ts';
import { median } from './lib/statistics.ts';
import { formatTable } from './lib/table.ts';

const MAIN = resolve(import.meta.dirname, '../src/main.ts');
const DAY_MS = 86_400_000;
const AT_ONCE = 4;
const ROTATIONS = 20;
const IDLE_MS = 6_000;

interface Gateway {
  readonly child: Child;
  readonly port: number;
  readonly adminPort: number;
  readonly home: string;
  readonly startSec: number;
}

interface Lane {
  readonly name: string;
  readonly gateway: Gateway;
  /** Server name of the n-th handshake. */
  readonly host: (n: number) => string;
}

const options = numericOptions({ count: 10_000, rounds: 5, handshakes: 500 });
const say = (line: string): void => void process.stdout.write(`${line}\n`);
const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
const caKey = newKey();
const children: Child[] = [];

try {
  const few = await start('one', 1);
  const many = await start('many', options.count);
  for (const { home, startSec, child } of [few, many]) {
    say(`${basename(home)}: ready after ${startSec.toFixed(1)} s, ${mebibytes(child)} MiB resident`);
  }
  const lanes: readonly Lane[] = [
    { name: 'one certificate', gateway: few, host: () => hostOf(0) },
    { name: `${options.count}, one name asked`, gateway: many, host: () => hostOf(0) },
    {
      name: `${options.count}, every name asked`,
      gateway: many,
      host: (n) => hostOf((n * 7919) % options.count),
    },
  ];
  const coldBefore = cpuMicros(many.child.pid);
  for (let n = 0; n < options.count; n += AT_ONCE) {
    await Promise.all(
      Array.from({ length: AT_ONCE }, (_, k) => shake(many, hostOf((n + k) % options.count))),
    );
  }
  const cold = (cpuMicros(many.child.pid) - coldBefore) / options.count;
  say(`the first handshake of a name costs ${cold.toFixed(0)} microseconds of CPU`);
  for (const gateway of [few, many]) {
    const before = cpuMicros(gateway.child.pid);
    await delay(IDLE_MS);
    const share = (cpuMicros(gateway.child.pid) - before) / (IDLE_MS * 10);
    say(`${basename(gateway.home)}: ${share.toFixed(1)} % of a core while nothing happens`);
  }
  const found = await measure(lanes);
  const base = median(found.get(lanes[0]?.name ?? '') ?? []);
  const rows = lanes.map(({ name }) => {
    const micros = median(found.get(name) ?? []);
    return [name, micros.toFixed(0), (micros / base).toFixed(2)];
  });
  say(`\n${formatTable([['CPU of a handshake', 'microseconds', 'x'], ...rows])}`);
  say(`\nafter handshakes for ${options.count} names: ${mebibytes(many.child)} MiB resident`);
  const times: number[] = [];
  for (let round = 0; round < ROTATIONS; round += 1) times.push(await rotate(many));
  say(`rotation of one: ${median(times).toFixed(0)} ms median, ${Math.max(...times).toFixed(0)} ms at most`);
} finally {
  for (const child of children) await child.stop();
  rmSync(folder, { recursive: true, force: true });
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

function hostOf(number: number): string {
  return `c${number}.bench.test`;
}

function pair(number: number): { readonly certificate: string; readonly key: string } {
  const key = newKey();
  const certificate = buildCertificate({
    subject: hostOf(number),
    publicKey: createPublicKey(key),
    issuer: { subject: 'Bench', key: caKey },
    notBeforeMs: Date.now() - DAY_MS,
    notAfterMs: Date.now() + 90 * DAY_MS,
    names: [hostOf(number)],
  });
  return { certificate, key: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}

async function start(name: string, count: number): Promise<Gateway> {
  const home = join(folder, name);
  mkdirSync(home);
  const entries = Array.from({ length: count }, (_, number) => {
    const { certificate, key } = pair(number);
    const [certificateFile, keyFile] = [`${number}.crt`, `${number}.key`];
    writeFileSync(join(home, certificateFile), certificate);
    writeFileSync(join(home, keyFile), key);
    return `  - { name: c${number}, files: { certificate: ${certificateFile}, key: ${keyFile} } }`;
  });
  const [port, adminPort] = [await freePort(), await freePort()];
  const file = join(home, 'sallyport.yaml');
  const listen = `{ https: "127.0.0.1:${port}", admin: "127.0.0.1:${adminPort}", limits: { connectionsPerAddress: 0 } }`;
  writeFileSync(
    file,
    `listen: ${listen}\nstate: file:data/state.db\ncertificates:\n${entries.join('\n')}\nroutes:\n  - { host: "*", upstream: "internal:whoami", public: true }\n`,
  );
  const startedMs = Date.now();
  const child = await startChild({
    program: process.execPath,
    args: [MAIN, 'start', '-c', file],
    cwd: home,
    logFile: join(home, 'output.log'),
    port,
    readyMs: 120_000,
  });
  children.push(child);
  return { child, port, adminPort, home, startSec: (Date.now() - startedMs) / 1000 };
}

async function shake({ port }: Gateway, servername: string): Promise<void> {
  const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  socket.destroy();
}

/** Measures the lanes in turns. @returns CPU microseconds of the gateway per full handshake, one number per round */
async function measure(lanes: readonly Lane[]): Promise<ReadonlyMap<string, readonly number[]>> {
  const found = new Map<string, number[]>(lanes.map(({ name }) => [name, []]));
  for (let round = 0; round <= options.rounds; round += 1) {
    for (const { name, gateway, host } of lanes) {
      const before = cpuMicros(gateway.child.pid);
      for (let n = 0; n < options.handshakes; n += AT_ONCE) {
        const offset = round * options.handshakes + n;
        await Promise.all(Array.from({ length: AT_ONCE }, (_, k) => shake(gateway, host(offset + k))));
      }
      const micros = (cpuMicros(gateway.child.pid) - before) / options.handshakes;
      // The first round warms up.
      if (round > 0) found.get(name)?.push(micros);
    }
  }
  return found;
}

/** Uploads a new pair through the admin API. @returns milliseconds until it answered that the pair is served */
async function rotate({ adminPort, home }: Gateway): Promise<number> {
  const body = JSON.stringify(pair(0));
  const token = readFileSync(join(home, 'data/admin-token'), 'utf8').trim();
  const startedAt = performance.now();
  const call = request({
    host: '127.0.0.1',
    port: adminPort,
    path: '/v1/certificates/c0',
    method: 'PUT',
    rejectUnauthorized: false,
    agent: false,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
  });
  const answered = new Promise<number>((done, failed) => {
    call.on('error', failed);
    call.on('response', (answer) => {
      answer.resume();
      answer.on('end', () => done(answer.statusCode ?? 0));
    });
  });
  call.end(body);
  const status = await answered;
  if (status !== 200) throw new Error(`the rotation was answered with ${status}`);
  return performance.now() - startedAt;
}

function mebibytes({ pid }: Child): string {
  return (residentBytes(pid) / 2 ** 20).toFixed(0);
}
