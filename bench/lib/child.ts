import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** A program started for the measurement; its output goes to a file, as a log does in production. */
export interface Child {
  readonly pid: number;
  stop(): Promise<void>;
}

export interface ChildOptions {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly logFile: string;
  /** Port on 127.0.0.1 that answers once the program is ready. */
  readonly port: number;
  readonly env?: Readonly<Record<string, string>>;
  /** Default 20 s. */
  readonly readyMs?: number;
}

/**
 * Starts a program and waits until its port takes connections.
 *
 * @throws Error with the end of the program's output when it ends or stays silent
 */
export async function startChild(options: ChildOptions): Promise<Child> {
  const log = openSync(options.logFile, 'a');
  const child = spawn(options.program, [...options.args], {
    cwd: options.cwd,
    stdio: ['ignore', log, log],
    env: { ...process.env, ...options.env },
  });
  closeSync(log);
  const started = Date.now();
  while (!(await answers(options.port))) {
    if (child.exitCode !== null || Date.now() - started > (options.readyMs ?? 20_000)) {
      child.kill('SIGKILL');
      const said = readFileSync(options.logFile, 'utf8').trim().slice(-2000);
      throw new Error(`${options.program} did not start: ${said}`);
    }
    await delay(50);
  }
  return { pid: child.pid ?? 0, stop: () => stop(child) };
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await ended;
  clearTimeout(late);
}

function answers(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      done(true);
    });
    socket.once('error', () => done(false));
  });
}
