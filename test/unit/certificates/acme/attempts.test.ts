import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AcmeError } from '../../../../src/certificates/acme/acme-error.ts';
import {
  backOffMs,
  type FilledOrder,
  nextAttemptMs,
  noteFailure,
  notePause,
  noteSuccess,
  readAttempts,
  restsUntilMs,
} from '../../../../src/certificates/acme/attempts.ts';
import { openTestStore } from './store.ts';

const FILLED: FilledOrder = {
  orderedAtMs: 1_000_000,
  fingerprint256: 'AA:BB',
  names: ['a.test'],
  repeats: 0,
};
const [FIRST, SECOND] = ['https://first.test/dir', 'https://second.test/dir'];
const BOTH = [FIRST, SECOND];
const ofOnly = (error: AcmeError) => ({ error, resting: [FIRST], directories: [FIRST] });
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
  const first = await noteFailure(records, 'a', clock, ofOnly(refused));
  const second = await noteFailure(records, 'a', clock, ofOnly(refused));
  assert.ok(first.againAtMs >= 1_030_000 && second.againAtMs >= 1_060_000);
  assert.equal((await readAttempts(records, 'a')).failures, 2);
  assert.equal((await readAttempts(records, 'b')).failures, 0);
  await noteSuccess(records, 'a', FILLED);
  assert.deepEqual(await readAttempts(records, 'a'), { failures: 0, notBeforeMs: 0, ...FILLED });
});

test('every process learns why the last order failed, until one is filled', async (t) => {
  const { records } = openTestStore(t);
  const clock = (): number => 1_000_000;
  const error = new AcmeError({ reason: 'challenge', detail: 'a.test leads elsewhere' });
  await noteFailure(records, 'a', clock, ofOnly(error));
  const { failure } = await readAttempts(records, 'a');
  assert.deepEqual(failure, { reason: 'challenge', detail: 'a.test leads elsewhere', atMs: 1_000_000 });
  await noteSuccess(records, 'a', FILLED);
  assert.equal((await readAttempts(records, 'a')).failure, undefined);
});

test('a failure in a word that this release does not know is still one, and its wait stands', async (t) => {
  const { records } = openTestStore(t);
  await noteFailure(records, 'a', () => 1_000_000, ofOnly(refused));
  const stored = await records.get('acme/attempts/a');
  const text = Buffer.from(stored?.value ?? []).toString();
  await records.put('acme/attempts/a', Buffer.from(text.replaceAll('"refused"', '"of-tomorrow"')));
  const { failures, failure } = await readAttempts(records, 'a');
  assert.deepEqual([failures, failure?.reason], [1, 'refused']);
});

test('a pause counts for every process and is kept through failures, until an order is filled', async (t) => {
  const { records } = openTestStore(t);
  await noteSuccess(records, 'a', FILLED);
  const pause = { why: 'replaced', served: 'CC:DD', untilMs: 5_000_000 } as const;
  await notePause(records, 'a', await readAttempts(records, 'a'), pause);
  await noteFailure(records, 'a', () => 6_000_000, ofOnly(refused));
  const after = await readAttempts(records, 'a');
  assert.deepEqual([after.pause, after.repeats, after.names], [pause, 1, ['a.test']]);
  await noteSuccess(records, 'a', { ...FILLED, repeats: after.repeats });
  assert.deepEqual(await readAttempts(records, 'a'), {
    failures: 0,
    notBeforeMs: 0,
    ...FILLED,
    repeats: 1,
  });
});

test('a record of an older release, without names and pauses, is read', async (t) => {
  const { records } = openTestStore(t);
  const old = { failures: 2, notBeforeMs: 7, orderedAtMs: 5, fingerprint256: 'AA:BB' };
  await records.put('acme/attempts/a', Buffer.from(JSON.stringify(old)));
  assert.deepEqual(await readAttempts(records, 'a'), { ...old, names: [], repeats: 0 });
});

test('only the directory that failed rests, and the next attempt is made when the first of them may be asked', async (t) => {
  const { records } = openTestStore(t);
  const clock = (): number => 1_000_000;
  const limited = new AcmeError({ reason: 'rate-limited', detail: 'too many', retryAfterMs: 604_800_000 });
  const away = new AcmeError({ reason: 'unreachable', detail: 'no answer' });
  const first = await noteFailure(records, 'a', clock, {
    error: limited,
    resting: [FIRST],
    directories: BOTH,
  });
  assert.equal(first.againAtMs, 1_000_000, 'the second one was not asked yet');
  const second = await noteFailure(records, 'a', clock, {
    error: away,
    resting: [SECOND],
    directories: BOTH,
  });
  assert.ok(second.againAtMs > 1_000_000 && second.againAtMs <= 1_004_000);
  assert.equal(second.reason, 'rate-limited');
  const untilMs = new Date(second.againAtMs).toISOString();
  assert.equal(
    second.detail,
    `${FIRST} rests until 1970-01-08T00:16:40.000Z (too many); ${SECOND} rests until ${untilMs} (no answer)`,
  );
  const past = await readAttempts(records, 'a');
  assert.equal(restsUntilMs(past, FIRST), 605_800_000);
  assert.equal(nextAttemptMs(past, BOTH), second.againAtMs);
  assert.equal(
    nextAttemptMs(past, [...BOTH, 'https://new.test/dir']),
    0,
    'one that is added is asked at once',
  );
});

test('what an older release noted holds for every directory, and is counted on for each', async (t) => {
  const { records } = openTestStore(t);
  const old = { failures: 3, notBeforeMs: 9_000_000, orderedAtMs: 0, names: [], repeats: 0 };
  await records.put('acme/attempts/a', Buffer.from(JSON.stringify(old)));
  assert.equal(nextAttemptMs(await readAttempts(records, 'a'), BOTH), 9_000_000);
  const unfilled = { error: refused, resting: [SECOND], directories: BOTH };
  await noteFailure(records, 'a', () => 9_000_000, unfilled);
  const past = await readAttempts(records, 'a');
  assert.deepEqual(
    past.rests?.map(({ directory, failures }) => [directory, failures]),
    [
      [FIRST, 3],
      [SECOND, 4],
    ],
  );
});
