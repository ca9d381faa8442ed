import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../src/errors.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { makeLogger } from '../../../src/observe/logger.ts';

function openLogger(level: 'debug' | 'info' | 'silent' = 'info') {
  const lines: string[] = [];
  return { logger: makeLogger({ level, destination: { write: (text) => lines.push(text) } }), lines };
}

test('a line is JSON with level, time, fields and message', () => {
  const { logger, lines } = openLogger();
  logger.warn({ route: 'a' }, 'it happened');
  const { level, time, pid, route, msg } = JSON.parse(lines[0] ?? '');
  assert.deepEqual(
    { level, pid, route, msg },
    { level: 'warn', pid: process.pid, route: 'a', msg: 'it happened' },
  );
  assert.match(time, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
});

test('what is below the level is not written', () => {
  const { logger, lines } = openLogger();
  logger.debug({}, 'quiet');
  openLogger('silent').logger.error({}, 'quiet');
  assert.deepEqual(lines, []);
});

test('secret fields are replaced at any depth and in any case', () => {
  const { logger, lines } = openLogger();
  const headers = {
    Authorization: 'canary-1',
    COOKIE: 'canary-2',
    'Set-Cookie': ['canary-3'],
    accept: 'kept',
  };
  logger.info(
    {
      password: 'canary-4',
      request: { headers, list: [{ token: 'canary-5' }] },
      upload: {
        key: 'canary-6',
        passphrase: 'canary-7',
        deep: { deeper: { deepest: { secret: 'canary-8' } } },
      },
      wrapped: new Secret('canary-9'),
    },
    'told',
  );
  const line = lines.join('');
  assert.ok(!line.includes('canary'), line);
  assert.ok(line.includes('kept'));
});

test('an error is its name, message, code and stack; what libraries hang on it stays out', () => {
  const { logger, lines } = openLogger();
  const inner = Object.assign(new Error('connection lost'), {
    code: 'ECONNRESET',
    command: { name: 'set', args: ['canary-key', 'canary-value'] },
  });
  const err = new GatewayError('SP_STATE_UNREACHABLE', { cause: inner });
  logger.error({ err, errors: [inner], cause: inner }, 'failed');
  const line = lines.join('');
  assert.ok(!line.includes('canary'), line);
  const parsed = JSON.parse(line);
  assert.equal(parsed.err.code, 'SP_STATE_UNREACHABLE');
  assert.equal(parsed.err.cause.code, 'ECONNRESET');
  assert.match(parsed.err.stack, /logger\.test/);
});

test('an object that contains itself is cut off', () => {
  const { logger, lines } = openLogger();
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  logger.info(loop, 'round');
  assert.equal(lines.length, 1);
});
