import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Attempts } from '../../../../src/certificates/acme/attempts.ts';
import { pauseFor, repeatsAfter, standingPause } from '../../../../src/certificates/acme/pause.ts';
import { pairLiving } from './pair.ts';

const NOW = Date.UTC(2030, 0, 15);
const HOUR_MS = 3600_000;
const PAST: Attempts = {
  failures: 0,
  notBeforeMs: 0,
  orderedAtMs: NOW - HOUR_MS,
  fingerprint256: 'NEW',
  names: ['a.test', 'b.test'],
  repeats: 0,
};
const OLD = pairLiving('OLD', [-62, 28], NOW);

function hoursOf(repeats: number, pair = OLD): number {
  const pause = pauseFor({ pair, past: { ...PAST, repeats }, why: 'life' }, NOW);
  return ((pause?.untilMs ?? NOW) - NOW) / HOUR_MS;
}

test('after a rollback nothing is ordered for 12 hours, doubled each time up to half of what is left', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 9, 500].map((repeats) => hoursOf(repeats)),
    [12, 24, 48, 96, 336, 336],
  );
  assert.deepEqual(pauseFor({ pair: OLD, past: PAST, why: 'life' }, NOW), {
    why: 'replaced',
    served: 'OLD',
    untilMs: NOW + 12 * HOUR_MS,
  });
});

test('each pause ends before the certificate does, the pauses do not shrink to nothing, and what has ended is not waited for', () => {
  assert.equal(hoursOf(9, pairLiving('OLD', [-89, 1], NOW)), 21.6);
  assert.equal(hoursOf(9, pairLiving('OLD', [-89.5, 0.5], NOW)), 12);
  assert.equal(hoursOf(0, pairLiving('OLD', [-4, 2], NOW)), 12);
  assert.equal(hoursOf(0, pairLiving('OLD', [-90, -1], NOW)), 0);
});

test('nothing waits that an order is to bring for the first time, nor a renewal that it is time for', () => {
  const past = { ...PAST, repeats: 3 };
  assert.equal(pauseFor({ pair: undefined, past, why: 'absent' }, NOW), undefined);
  assert.equal(pauseFor({ pair: OLD, past, why: 'names' }, NOW), undefined);
  const never = { ...past, fingerprint256: undefined };
  assert.equal(pauseFor({ pair: OLD, past: never, why: 'life' }, NOW), undefined);
  const own = pairLiving('NEW', [-62, 28], NOW);
  assert.equal(pauseFor({ pair: own, past, why: 'life' }, NOW), undefined);
  assert.equal(repeatsAfter({ pair: own, past, why: 'life' }), 0);
});

test('the first early wish of the CA is followed at once, the next ones are not', () => {
  const young = pairLiving('NEW', [0, 90], NOW);
  const wished = { pair: young, past: PAST, why: 'hint' } as const;
  assert.equal(pauseFor(wished, NOW), undefined);
  const repeats = repeatsAfter(wished);
  assert.equal(repeats, 1);
  const again = { ...wished, past: { ...PAST, repeats } };
  const pause = pauseFor(again, NOW);
  assert.deepEqual(pause, { why: 'hinted', served: 'NEW', untilMs: PAST.orderedAtMs + 12 * HOUR_MS });
  assert.equal(pauseFor(again, NOW + 11 * HOUR_MS), undefined);
  assert.equal(repeatsAfter(again), 2);
});

test('a pause stands for the pair that it was made for, and is made anew when that pair comes back later', () => {
  const pause = { why: 'replaced', served: 'OLD', untilMs: NOW } as const;
  const noted = { pair: OLD, past: { ...PAST, pause }, why: 'life' } as const;
  assert.equal(standingPause(noted, NOW - 1, true), pause);
  assert.equal(standingPause(noted, NOW, false), pause);
  assert.equal(standingPause(noted, NOW, true), undefined);
  assert.equal(standingPause({ ...noted, pair: pairLiving('C', [-70, 20], NOW) }, NOW, false), undefined);
});
