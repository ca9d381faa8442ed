import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { demonstrationBanner } from '../../../src/cli/banner.ts';
import { type RunningGateway, runUntilStopped } from '../../../src/cli/start.ts';
import { openTerminal } from './fake-terminal.ts';

const MAIN = fileURLToPath(new URL('../../../src/main.ts', import.meta.url));
const run = promisify(execFile);

function makeHouse(told: string[], close: () => Promise<void> = async () => undefined): RunningGateway {
  return {
    reload: async () => {
      told.push('reload');
      if (told.length > 1) throw new Error('the file has errors');
    },
    close: () => {
      told.push('close');
      return close();
    },
    urls: { https: ['https://127.0.0.1:8443'], admin: 'https://127.0.0.1:9443' },
  };
}

test('SIGHUP reloads, a failed reload is told and the house goes on, SIGTERM closes it', async () => {
  const terminal = openTerminal();
  const told: string[] = [];
  const stopped = runUntilStopped(makeHouse(told), terminal);
  terminal.signal('SIGHUP');
  terminal.signal('SIGHUP');
  await new Promise(setImmediate);
  assert.match(terminal.printed.err, /the file has errors/);
  terminal.signal('SIGTERM');
  await stopped;
  assert.deepEqual(told, ['reload', 'reload', 'close']);
  assert.deepEqual(terminal.quits, []);
});

test('a second SIGINT ends the process at once with 130', async () => {
  const terminal = openTerminal();
  const told: string[] = [];
  const drain = Promise.withResolvers<void>();
  const stopped = runUntilStopped(
    makeHouse(told, () => drain.promise),
    terminal,
  );
  terminal.signal('SIGINT');
  terminal.signal('SIGINT');
  assert.deepEqual(told, ['close']);
  assert.deepEqual(terminal.quits, [130]);
  drain.resolve();
  await stopped;
});

test('what nobody caught ends the process with 1, and is told without what hangs on the error', async () => {
  const terminal = openTerminal();
  const drain = Promise.withResolvers<void>();
  const stopped = runUntilStopped(
    makeHouse([], () => drain.promise),
    terminal,
  );
  terminal.crash(Object.assign(new TypeError('x is not a function'), { command: { args: ['hunter2'] } }));
  assert.match(terminal.printed.err, /^sallyport: .*defect.*TypeError: x is not a function\n +at /);
  assert.doesNotMatch(terminal.printed.err, /hunter2/);
  assert.deepEqual(terminal.quits, [1]);
  terminal.signal('SIGTERM');
  drain.resolve();
  await stopped;
});

test('the banner shows each way in with the port and the password that are true', () => {
  const text = demonstrationBanner({
    urls: { https: ['https://127.0.0.1:18443'], admin: 'https://127.0.0.1:19443' },
    demonstration: { user: 'demo', password: "it's" },
    dataFolder: 'data',
    self: 'sallyport',
    tokenInEnv: false,
  });
  assert.match(text, /curl --cacert data\/dev-ca\.crt https:\/\/localhost:18443\/public/);
  assert.ok(text.includes(`-u 'demo:it'\\''s' https://localhost:18443/`));
  assert.match(text, /-X POST https:\/\/localhost:18443\/\.sallyport\/token/);
  assert.match(text, /https:\/\/127\.0\.0\.1:19443\/v1\/certificates\/localhost/);
});

test('version prints ours and the runtime, and an unknown command exits 1 without a stack', async () => {
  const { stdout } = await run(process.execPath, [MAIN, 'version']);
  assert.match(stdout, /^sallyport \d+\.\d+\.\d+ \(node \d+\.\d+\.\d+, openssl /);
  await assert.rejects(run(process.execPath, [MAIN, 'opne']), { code: 1, stderr: /unknown command/ });
  await assert.rejects(run(process.execPath, [MAIN, 'check', '-c', '/nonexistent.yaml']), (error) => {
    assert.ok(error instanceof Error && 'stderr' in error && 'code' in error);
    assert.equal(error.code, 1);
    assert.doesNotMatch(String(error.stderr), / at /);
    return true;
  });
});
