import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Redis } from 'ioredis';
import { findProgram } from './provision-find.ts';

export interface RedisSettings {
  /** Keeps every write in an append-only file, so that a killed server comes back with it. */
  readonly persistent?: boolean;
  /** Words that mean the server is ready, in its output. */
  readonly readyLine?: string;
  /** Further arguments of `redis-server`, given the server's port and folder. */
  readonly args?: (place: { readonly port: number; readonly folder: string }) => readonly string[];
  /** Lines of a Sentinel's configuration: makes the server a Sentinel. */
  readonly sentinel?: readonly string[];
  /** Asks for plain TCP on the port; false leaves the port to what `args` says. */
  readonly plain?: boolean;
}

export interface RedisServer {
  readonly port: number;
  /** `redis://127.0.0.1:PORT` */
  readonly url: string;
  /** Runs one command over plain TCP. @returns the reply, as text or as JSON of what is no text */
  command(...words: readonly string[]): Promise<string>;
  /** Ends the server as a crash does. */
  kill(): Promise<void>;
  /** Stops it from answering without closing a connection, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Starts it again on the same port, with what it has kept. */
  restart(): Promise<void>;
  /** Ends the server and removes its folder. */
  stop(): Promise<void>;
}

/** Starts a real `redis-server` of its own on a free port of 127.0.0.1; it ends with this process at the latest. */
export async function startRedis(settings: RedisSettings = {}): Promise<RedisServer> {
  const binary = findRedisServer();
  const port = await freePort();
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-redis-'));
  const args = [...redisArguments(settings, port, folder), ...(settings.args?.({ port, folder }) ?? [])];
  const readyLine = settings.readyLine ?? 'Ready to accept connections';
  let child = await launch(binary, args, readyLine);
  const kill = async (): Promise<void> => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await gone;
  };
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (...words) => sendCommand(port, words),
    kill,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    async restart() {
      await kill();
      child = await launch(binary, args, readyLine);
    },
    async stop() {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Gives the path of the `redis-server` that tests start. @throws one clear line when there is none */
export function findRedisServer(): string {
  const named = process.env.SALLYPORT_TEST_REDIS_SERVER;
  const found = findProgram(named ?? 'redis-server');
  if (found !== undefined) return found;
  const looked = named === undefined ? 'on the PATH' : `at SALLYPORT_TEST_REDIS_SERVER=${named}`;
  throw new Error(
    `redis-server was not found ${looked}: install it, or name it in SALLYPORT_TEST_REDIS_SERVER`,
  );
}

/** Gives a port of 127.0.0.1 on which nobody listens at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no free port');
  return address.port;
}

function redisArguments(settings: RedisSettings, port: number, folder: string): readonly string[] {
  const listen = settings.plain === false ? [] : ['--port', String(port)];
  const place = [...listen, '--bind', '127.0.0.1', '--dir', folder];
  if (settings.sentinel !== undefined) {
    // A Sentinel writes its configuration file anew, and takes it as the first argument.
    const file = join(folder, 'sentinel.conf');
    writeFileSync(file, `${settings.sentinel.join('\n')}\n`);
    return [file, '--sentinel', ...place];
  }
  const persistence = settings.persistent === true ? ['yes', '--appendfsync', 'always'] : ['no'];
  return [...place, '--save', '', '--appendonly', ...persistence];
}

async function launch(binary: string, args: readonly string[], readyLine: string): Promise<ChildProcess> {
  const child = spawn(binary, [...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  const reap = (): void => void child.kill('SIGKILL');
  process.once('exit', reap);
  child.once('exit', () => process.removeListener('exit', reap));
  endOnSignals();
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code) =>
      reject(new Error(`redis-server ended with ${code}: ${lines.slice(-5).join(' | ')}`)),
    );
    createInterface({ input: child.stdout }).on('line', (line) => {
      lines.push(line);
      if (line.includes(readyLine)) resolve();
    });
  });
  return child;
}

/** Lets a signal end the process by `exit`, so that its servers end with it. */
function endOnSignals(): void {
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    if (process.listenerCount(signal) === 0) process.once(signal, () => process.exit(1));
  }
}

/** Runs one command over plain TCP. @returns the reply, as text or as JSON of what is no text */
export async function sendCommand(port: number, words: readonly string[]): Promise<string> {
  const [name = '', ...args] = words;
  const client = new Redis({
    host: '127.0.0.1',
    port,
    protocol: 2,
    disconnectTimeout: 100,
    retryStrategy: null,
  });
  client.on('error', () => {});
  try {
    const reply = await client.call(name, args);
    return typeof reply === 'string' ? reply : JSON.stringify(reply);
  } finally {
    client.disconnect();
  }
}
