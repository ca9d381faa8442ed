import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { callAdmin } from './call-admin.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');
const START_BOUND_MS = 20_000;

export interface ProcessOptions {
  /** The whole configuration; absent: the demonstration. */
  readonly yaml?: string;
  /** Working folder; absent: a new one, which `end` removes. */
  readonly folder?: string;
  /** Name of the configuration file and, with `data` in front, of the data folder. */
  readonly name?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** How a process ended. */
export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A gateway in a process of its own, started as `sallyport start` is. */
export interface GatewayProcess {
  readonly folder: string;
  readonly configFile: string;
  readonly pid: number;
  /** Port of the first HTTPS endpoint. */
  readonly port: number;
  readonly admin: string;
  readonly ca: string;
  readonly adminToken: string;
  /** What it wrote to stderr so far. */
  err(): string;
  /** What it logged so far, parsed. */
  log(): readonly Record<string, unknown>[];
  call(method: string, path: string, body?: unknown): Promise<{ status: number; body: unknown }>;
  kill(signal: NodeJS.Signals): void;
  readonly ended: Promise<Ending>;
  /** Ends it, gently unless it takes longer than five seconds, and removes a folder that was made for it. */
  end(): Promise<Ending>;
}

interface Launched {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly configFile: string;
  readonly dataFolder: string;
  readonly out: { text: string };
  readonly err: { text: string };
  readonly ended: Promise<Ending>;
}

/** Starts a gateway process and waits until it is open. @throws with what it wrote to stderr when it ends before */
export async function startProcess(options: ProcessOptions = {}): Promise<GatewayProcess> {
  const launched = launch(options);
  const { child, folder, configFile, dataFolder, ended } = launched;
  const urls = await openUrls(launched);
  const admin = String(urls.admin);
  const ca = readFileSync(join(dataFolder, 'dev-ca.crt'), 'utf8');
  const adminToken = readFileSync(join(dataFolder, 'admin-token'), 'utf8').trim();
  return {
    folder,
    configFile,
    pid: child.pid ?? 0,
    port: Number(new URL(String(urls.https)).port),
    admin,
    ca,
    adminToken,
    err: () => launched.err.text,
    log: () => parseLines(launched.out.text),
    call: (method, path, body) => callAdmin({ admin, adminToken, ca }, method, path, body),
    kill: (signal) => void child.kill(signal),
    ended,
    async end() {
      child.kill('SIGTERM');
      const cut = setTimeout(() => child.kill('SIGKILL'), 5_000);
      const ending = await ended;
      clearTimeout(cut);
      if (options.folder === undefined) rmSync(folder, { recursive: true, force: true });
      return ending;
    },
  };
}

/** Starts a gateway process that is expected to give up. */
export async function failToStart(
  options: ProcessOptions,
): Promise<Ending & { readonly err: string; readonly out: string }> {
  const { child, ended, out, err } = launch(options);
  const cut = setTimeout(() => child.kill('SIGKILL'), START_BOUND_MS);
  const ending = await ended;
  clearTimeout(cut);
  return { ...ending, err: err.text, out: out.text };
}

function launch({ yaml, folder: given, name = '', env }: ProcessOptions): Launched {
  const folder = given ?? mkdtempSync(join(tmpdir(), 'sallyport-process-'));
  const configFile = join(folder, `sallyport${name}.yaml`);
  const dataFolder = join(folder, `data${name}`);
  if (yaml !== undefined) writeFileSync(configFile, yaml);
  const args = [
    MAIN,
    'start',
    '--data',
    `data${name}`,
    ...(existsSync(configFile) ? ['-c', configFile] : []),
  ];
  const child = spawn(process.execPath, args, {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, SALLYPORT_ADMIN_TOKEN: '', ...env },
  });
  const reap = (): void => void child.kill('SIGKILL');
  process.once('exit', reap);
  const out = { text: '' };
  const err = { text: '' };
  child.stdout.on('data', (chunk) => {
    out.text += chunk;
  });
  child.stderr.on('data', (chunk) => {
    err.text += chunk;
  });
  const ended = new Promise<Ending>((done) => {
    child.once('close', (code, signal) => {
      process.removeListener('exit', reap);
      done({ code, signal });
    });
  });
  return { child, folder, configFile, dataFolder, out, err, ended };
}

async function openUrls({ child, out, err }: Launched): Promise<Record<string, unknown>> {
  const startedMs = performance.now();
  while (performance.now() - startedMs < START_BOUND_MS) {
    const open = parseLines(out.text).find((line) => line.msg === 'the gateway is open');
    if (open !== undefined) return open;
    if (child.exitCode !== null || child.signalCode !== null) break;
    await sleep(10);
  }
  child.kill('SIGKILL');
  throw new Error(`the gateway did not open: ${err.text}`);
}

function parseLines(text: string): readonly Record<string, unknown>[] {
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));
}
