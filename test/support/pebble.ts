import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { authority, leaf } from '../fixtures/certificates/pki.ts';
import { type DnsServer, startDns } from './dns-server.ts';
import { findProgram } from './provision-find.ts';
import { freePort } from './redis.ts';

export interface PebbleSettings {
  /** Ports on which it looks for its answers. */
  readonly httpPort: number;
  readonly tlsPort: number;
  /** Percentage of good nonces that it refuses; default 0. */
  readonly nonceReject?: number;
  /** Life of its certificates, seconds. */
  readonly lifeSec?: number;
  /** Names that it refuses to certify. */
  readonly blocked?: readonly string[];
  /** External accounts: kid -> HMAC key, base64url; written: no account without one. */
  readonly externalAccounts?: Readonly<Record<string, string>>;
}

/** A real ACME server of a test. */
export interface Pebble {
  readonly directory: string;
  /** File with the CA of its own HTTPS endpoint. */
  readonly trustFile: string;
  /** TXT records of its name server, a line each: name, space, value. */
  readonly textFile: string;
  readonly dns: DnsServer;
  /** Lines that it printed. */
  readonly lines: readonly string[];
  /** Gives the root of what it signs, PEM; another one after each start. */
  root(): Promise<string>;
  kill(): Promise<void>;
  restart(): Promise<void>;
  /** Ends it and removes its folder. */
  stop(): Promise<void>;
}

/** Starts `pebble` on free ports of 127.0.0.1 with a name server for which every name is 127.0.0.1. */
export async function startPebble(settings: PebbleSettings): Promise<Pebble> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-pebble-'));
  const [port, managementPort] = [await freePort(), await freePort()];
  const now = Date.now();
  const valid = { notBeforeMs: now - 86_400_000, notAfterMs: now + 86_400_000 };
  const ca = authority('CA of an ACME server', valid);
  const own = leaf(ca, ['localhost', '127.0.0.1'], valid);
  const trustFile = join(folder, 'trust.pem');
  writeFileSync(trustFile, ca.certificate);
  writeFileSync(join(folder, 'server.crt'), own.certificate);
  writeFileSync(join(folder, 'server.key'), own.keyPem);
  const { externalAccounts, blocked, lifeSec } = settings;
  const pebble = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: join(folder, 'server.crt'),
    privateKey: join(folder, 'server.key'),
    httpPort: settings.httpPort,
    tlsPort: settings.tlsPort,
    ...(lifeSec === undefined ? {} : { certificateValidityPeriod: lifeSec }),
    ...(blocked === undefined ? {} : { domainBlocklist: blocked }),
    externalAccountBindingRequired: externalAccounts !== undefined,
    ...(externalAccounts === undefined ? {} : { externalAccountMACKeys: externalAccounts }),
  };
  const configFile = join(folder, 'pebble.json');
  writeFileSync(configFile, JSON.stringify({ pebble }));
  const textFile = join(folder, 'texts');
  const dns = await startDns(textFile);
  const lines: string[] = [];
  const args = ['-config', configFile, '-dnsserver', `127.0.0.1:${dns.port}`, '-strict'];
  const env = {
    PATH: process.env.PATH ?? '',
    PEBBLE_VA_NOSLEEP: '1',
    PEBBLE_WFE_NONCEREJECT: String(settings.nonceReject ?? 0),
    PEBBLE_AUTHZREUSE: '0',
  };
  const start = async (): Promise<ChildProcess> => {
    const started = await launch(findPebble(), args, env, lines);
    // It announces itself before it listens.
    for (const wanted of [port, managementPort]) await untilOpen(wanted);
    return started;
  };
  let child = await start();
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  return {
    directory: `https://127.0.0.1:${port}/dir`,
    trustFile,
    textFile,
    dns,
    lines,
    root: () => read(`https://127.0.0.1:${managementPort}/roots/0`, ca.certificate),
    kill,
    async restart() {
      await kill();
      child = await start();
    },
    async stop() {
      await kill();
      dns.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilOpen(port: number): Promise<void> {
  const end = performance.now() + 10_000;
  for (;;) {
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (open) return;
    if (performance.now() > end) throw new Error(`pebble does not listen on ${port}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function findPebble(): string {
  const found = findProgram(process.env.SALLYPORT_TEST_PEBBLE ?? 'pebble');
  if (found === undefined)
    throw new Error('pebble was not found: install it, or name it in SALLYPORT_TEST_PEBBLE');
  return found;
}

async function launch(
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  lines: string[],
): Promise<ChildProcess> {
  const child = spawn(program, [...args], { stdio: ['ignore', 'pipe', 'pipe'], env });
  const reap = (): void => void child.kill('SIGKILL');
  process.once('exit', reap);
  child.once('exit', () => process.removeListener('exit', reap));
  const { stdout, stderr } = child;
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`pebble ended with ${code}: ${lines.slice(-5).join(' | ')}`)),
    );
    const onLine = (line: string): void => {
      lines.push(line);
      if (line.includes('ACME directory available')) resolve();
    };
    createInterface({ input: stdout }).on('line', onLine);
    createInterface({ input: stderr }).on('line', onLine);
  });
  return child;
}

function read(url: string, ca: string): Promise<string> {
  return new Promise((resolve, reject) => {
    request(url, { ca, agent: false }, (answer) => {
      answer.setEncoding('utf8');
      let text = '';
      answer.on('data', (chunk: string) => {
        text += chunk;
      });
      answer.on('end', () => resolve(text));
    })
      .on('error', reject)
      .end();
  });
}
