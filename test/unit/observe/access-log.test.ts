import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAccessLog } from '../../../src/observe/access-log.ts';
import { finishedExchange } from './finished-exchange.ts';

const NOW = Date.UTC(2026, 10, 23, 4, 5, 6, 7);

function openLog(clock = () => NOW) {
  const lines: string[] = [];
  const log = makeAccessLog({ write: (text) => lines.push(text) }, clock);
  const parsed = () => lines.map((line): Record<string, unknown> => JSON.parse(line));
  return { log, lines, parsed };
}

test('an exchange is one line with every field', () => {
  const { log, lines, parsed } = openLog();
  log.finished(finishedExchange({ record: { retries: 1 } }));
  assert.equal(lines.length, 1);
  assert.match(lines[0] ?? '', /^[^\n]*\n$/);
  assert.deepEqual(parsed()[0], {
    time: '2026-11-23T04:05:06.007Z',
    log: 'access',
    id: 'r1',
    address: '192.0.2.7',
    user: 'alice',
    host: 'api.test',
    method: 'GET',
    path: '/v1/things',
    status: 200,
    bytes: 42,
    durationMs: 12.346,
    route: 'api.test/v1',
    decision: 'allowed',
    upstream: '10.0.0.9:80',
    upstreamMs: 4.5,
    authenticate: 'token',
    authenticateMs: 0.25,
    http: '2',
    tls: 'TLSv1.3',
    retries: 1,
  });
});

test('what is not known is left out, a refusal says why', () => {
  const { log, parsed } = openLog();
  const nothing = { user: undefined, method: undefined, upstream: undefined, upstreamMs: undefined };
  const refusal = {
    decision: 'denied',
    reason: 'group',
    code: 'SP_AUTHORIZE_DENIED',
    detail: 'why',
  } as const;
  log.finished(
    finishedExchange({ record: { ...nothing, ...refusal }, finished: { status: 403, aborted: true } }),
  );
  const { user, upstream, reason, code, detail, aborted } = parsed()[0] ?? {};
  assert.deepEqual(
    { user, upstream, reason, code, detail, aborted },
    {
      user: undefined,
      upstream: undefined,
      reason: 'group',
      code: 'SP_AUTHORIZE_DENIED',
      detail: 'why',
      aborted: true,
    },
  );
});

test('a request without canonical form has a line, too', () => {
  const { log, parsed } = openLog();
  log.refused({
    id: 'r-7',
    peer: '10.0.0.1',
    code: 'SP_LISTEN_BAD_PATH',
    detail: 'dot segment',
    status: 400,
    http: '1.1',
  });
  assert.deepEqual(parsed()[0], {
    time: '2026-11-23T04:05:06.007Z',
    log: 'access',
    id: 'r-7',
    address: '10.0.0.1',
    status: 400,
    decision: 'failed',
    code: 'SP_LISTEN_BAD_PATH',
    detail: 'dot segment',
    http: '1.1',
  });
});

test('credentials, cookies, queries and header values never appear', () => {
  const { log, lines } = openLog();
  log.finished(
    finishedExchange({
      request: {
        query: '?token=canary-query',
        authorization: 'Bearer canary-authorization',
        cookie: 'session=canary-cookie',
        headers: [
          'x-api-key',
          'canary-key',
          'referer',
          'https://x/?canary-referer',
          'user-agent',
          'canary-agent',
        ],
      },
    }),
  );
  assert.ok(!lines.join('').includes('canary'), lines.join(''));
});

test('no text can forge a line or steer a terminal', () => {
  const { log, lines, parsed } = openLog();
  const hostile = 'a"}\n{"status":1}\r\u001b[2J\u009b31m\u0085\u2028\\\ud800\u007f';
  log.finished(
    finishedExchange({ record: { user: hostile }, request: { method: hostile, path: `/${hostile}` } }),
  );
  const line = lines[0] ?? '';
  assert.equal(line.split('\n').length, 2);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: no control character may be left
  assert.doesNotMatch(line.trimEnd(), /[\u0000-\u001f\u007f-\u009f\u2028\ud800-\udfff]/);
  assert.equal(parsed()[0]?.user, hostile);
});

test('long text is cut', () => {
  const { log, parsed } = openLog();
  log.finished(finishedExchange({ request: { path: `/${'x'.repeat(9000)}` } }));
  assert.equal(String(parsed()[0]?.path).length, 1027);
});

test('the time follows the clock over the turn of a second', () => {
  let now = NOW;
  const { log, parsed } = openLog(() => now);
  for (const step of [0, 992, 1, 5000]) {
    now += step;
    log.finished(finishedExchange());
  }
  assert.deepEqual(
    parsed().map((line) => line.time),
    ['04:05:06.007', '04:05:06.999', '04:05:07.000', '04:05:12.000'].map((time) => `2026-11-23T${time}Z`),
  );
});

test('durations are written with three decimals at most and are never negative', () => {
  const { log, parsed } = openLog();
  for (const endedAtMs of [999, 1000, 1000.0004, 1000.0006, 1001.9999, 61_000.1]) {
    log.finished(finishedExchange({ finished: { endedAtMs } }));
  }
  assert.deepEqual(
    parsed().map((line) => line.durationMs),
    [0, 0, 0, 0.001, 2, 60000.1],
  );
});
