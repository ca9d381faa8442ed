import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { neededProgram } from './programs.ts';

const run = promisify(execFile);

export type Protocol = 'h1' | 'h2';

export interface Load {
  readonly url: string;
  readonly protocol: Protocol;
  readonly connections: number;
  /** How much: a number of requests, or a rate per connection held for some seconds. */
  readonly amount:
    | { readonly requests: number }
    | { readonly ratePerConnection: number; readonly seconds: number };
  readonly headers: Readonly<Record<string, string>>;
  /** File that takes one line per request: start (us), status, duration (us). */
  readonly logFile?: string;
}

const STREAMS = 8;

/**
 * Sends requests with h2load and waits for the answers.
 *
 * @returns the number of answers, each of them a 2xx
 * @throws Error when a request failed or was answered otherwise
 */
export async function sendLoad(load: Load): Promise<number> {
  const { stdout } = await run(neededProgram('h2load'), [...argsOf(load), load.url], {
    maxBuffer: 64 * 1024 * 1024,
  });
  const [total, failed] = [/(\d+) total/, /(\d+) failed/].map((pattern) =>
    Number(pattern.exec(stdout)?.[1] ?? -1),
  );
  const succeeded = Number(/status codes: (\d+) 2xx/.exec(stdout)?.[1] ?? 0);
  const otherStatus = /, ([1-9]\d*) [345]xx/.test(stdout);
  if (failed !== 0 || succeeded === 0 || otherStatus) {
    const line = stdout.split('\n').find((text) => text.startsWith('status codes')) ?? stdout.slice(-300);
    throw new Error(`${load.url}: ${total} requests, ${failed} failed, ${line}`);
  }
  return succeeded;
}

function argsOf(load: Load): string[] {
  const amount =
    'requests' in load.amount
      ? ['-n', String(load.amount.requests)]
      : ['-D', String(load.amount.seconds), '--rps', String(load.amount.ratePerConnection)];
  const protocol = load.protocol === 'h1' ? ['--h1'] : ['--npn-list=h2', '-m', String(STREAMS)];
  const headers = Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
  const log = load.logFile === undefined ? [] : ['--log-file', load.logFile];
  return ['-t', '1', '-c', String(load.connections), ...amount, ...protocol, ...headers, ...log];
}
