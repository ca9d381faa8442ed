import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcmeError } from '../../../../src/certificates/acme/acme-error.ts';
import {
  backOffMs,
  noteFailure,
  noteSuccess,
  readAttempts,
} from '../../../../src/certificates/acme/attempts.ts';
import { openTestStore } from './store.ts';

const refused = new AcmeError({ reason: 'refused', detail: '' });

test('the wait doubles with each failure up to a day, with jitter of a half', () => {
  assert.equal(backOffMs(refused, 1, 1), 60_000);
  assert.equal(backOffMs(refused, 1, 0), 30_000);
  assert.equal(backOffMs(refused, 4, 1), 480_000);
  assert.equal(backOffMs(refused, 500, 1), 86_400_000);
});

test('an unreachable CA is asked again within seconds; one that names a time is not asked before', () => {
  assert.ok(backOffMs(new AcmeError({ reason: 'unreachable', detail: '' }), 1, 1) <= 4_000);
  const limited = new AcmeError({ reason: 'rate-limited', detail: '', retryAfterMs: 7_200_000 });
  assert.equal(backOffMs(limited, 1, 1), 7_200_000);
});

test('failures count for every process and over restarts, until an order is filled', async (t) => {
  const { records } = openTestStore(t);
  const clock = (): number => 1_000_000;
  const first = await noteFailure(records, 'a', clock, refused);
  const second = await noteFailure(records, 'a', clock, refused);
  assert.ok(first >= 1_030_000 && second >= 1_060_000);
  assert.equal((await readAttempts(records, 'a')).failures, 2);
  assert.equal((await readAttempts(records, 'b')).failures, 0);
  await noteSuccess(records, 'a', clock, 'AA:BB');
  const after = await readAttempts(records, 'a');
  assert.deepEqual(after, { failures: 0, notBeforeMs: 0, orderedAtMs: 1_000_000, fingerprint256: 'AA:BB' });
});

test('every process learns why the last order failed, until one is filled', async (t) => {
  const { records } = openTestStore(t);
  const clock = (): number => 1_000_000;
  const error = new AcmeError({ reason: 'challenge', detail: 'a.test leads elsewhere' });
  await noteFailure(records, 'a', clock, error);
  const { failure } = await readAttempts(records, 'a');
  assert.deepEqual(failure, { reason: 'challenge', detail: 'a.test leads elsewhere', atMs: 1_000_000 });
  await noteSuccess(records, 'a', clock, 'AA:BB');
  assert.equal((await readAttempts(records, 'a')).failure, undefined);
});
