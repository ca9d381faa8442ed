/**
 * Runs the tests: finds or installs what they need, then hands over to Node's own runner.
 *
 *   node test/run.ts            every test but those under test/heavy and test/browser
 *   node test/run.ts --heavy    only those
 *   node test/run.ts FILE ...   only these files
 */
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { ProvisionError, provision } from './support/provision.ts';

const ROOT = resolve(import.meta.dirname, '..');
/** What takes long: real browsers, whole fleets, and the patience of CAs. */
const HEAVY = ['test/heavy/', 'test/browser/'];
/** No test waits longer than this; a hang becomes a failure with a name. */
const TEST_TIMEOUT_MS = 180_000;
/** The runner's own timeout does not end a file that keeps its process alive; interrupted, the runner names it. */
const RUN_LIMIT_MS = 30 * 60_000;
/** Hundreds of processes load the same sources: what was stripped and compiled once is kept. */
const COMPILE_CACHE = join(ROOT, 'node_modules/.cache/compile');

process.exitCode = await main(process.argv.slice(2));

async function main(args: readonly string[]): Promise<number> {
  const files = chooseFiles(args);
  if (files.length === 0) {
    process.stderr.write('There are no such test files.\n');
    return 1;
  }
  const environment = tryProvision();
  return environment === undefined ? 1 : await runTests(files, environment, args.includes('--heavy'));
}

function chooseFiles(args: readonly string[]): readonly string[] {
  const named = args.filter((arg) => !arg.startsWith('--'));
  if (named.length > 0) return named.map((file) => relative(ROOT, resolve(file)));
  const heavy = args.includes('--heavy');
  return globSync('test/**/*.test.ts', { cwd: ROOT })
    .filter((file) => HEAVY.some((folder) => file.startsWith(folder)) === heavy)
    .sort();
}

function tryProvision(): Record<string, string> | undefined {
  try {
    return provision((line) => process.stdout.write(`${line}\n`));
  } catch (thrown) {
    if (!(thrown instanceof ProvisionError)) throw thrown;
    process.stderr.write(`${thrown.message}\n`);
    return undefined;
  }
}

/** @returns the runner's exit code; a runner ended by a signal counts as a failure */
function runTests(
  files: readonly string[],
  environment: Record<string, string>,
  oneByOne: boolean,
): Promise<number> {
  const concurrency = oneByOne ? 1 : Math.max(2, Math.min(8, availableParallelism()));
  const flags = [
    '--test',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
    `--test-timeout=${TEST_TIMEOUT_MS}`,
  ];
  const runner = spawn(process.execPath, [...flags, ...files], {
    cwd: ROOT,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { NODE_COMPILE_CACHE: COMPILE_CACHE, ...process.env, ...environment },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => runner.kill(signal));
  const limit = setTimeout(() => runner.kill('SIGINT'), RUN_LIMIT_MS);

  return new Promise((done, failed) => {
    runner.once('error', failed);
    runner.once('exit', (code) => {
      clearTimeout(limit);
      done(code ?? 1);
    });
  });
}
