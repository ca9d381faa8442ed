import assert from 'node:assert/strict';
import { test } from 'node:test';
import { problemOf } from '../../../../src/certificates/acme/problem-document.ts';

function reply(status: number, body: unknown, headers = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, headers, body: Buffer.from(text) };
}

test('a problem document is told with its type, its detail and its subproblems', () => {
  const error = problemOf(
    reply(403, {
      type: 'urn:ietf:params:acme:error:rejectedIdentifier',
      detail: 'not\u0007 here',
      subproblems: [{ type: 'x', detail: 'a.test is forbidden' }],
    }),
    0,
    'the order',
  );
  assert.equal(error.code, 'SP_CERTIFICATE_ORDER');
  assert.equal(error.reason, 'refused');
  assert.equal(error.type, 'rejectedIdentifier');
  assert.equal(
    error.detail,
    'the CA refused the order with 403 rejectedIdentifier: not  here; a.test is forbidden',
  );
});

test('a rate limit waits as long as the CA says, and an hour when it does not say', () => {
  const type = 'urn:ietf:params:acme:error:rateLimited';
  const told = problemOf(reply(429, { type, detail: '' }, { 'retry-after': '7200' }), 0, 'the order');
  assert.deepEqual([told.reason, told.retryAfterMs], ['rate-limited', 7_200_000]);
  const bare = problemOf(reply(429, 'slow down'), 0, 'the order');
  assert.deepEqual([bare.reason, bare.retryAfterMs], ['rate-limited', 3_600_000]);
  assert.equal(problemOf(reply(400, { type, detail: '' }), 0, 'x').reason, 'rate-limited');
});

test('what is no problem document, or a huge one, makes a short error', () => {
  for (const body of [
    '<html>',
    '[]',
    '{"type":5}',
    { type: 'x'.repeat(9_000), detail: 'y'.repeat(90_000) },
  ]) {
    const error = problemOf(reply(500, body), 0, 'x');
    assert.equal(error.reason, 'unreachable');
    assert.ok((error.detail ?? '').length < 1_000);
  }
});
