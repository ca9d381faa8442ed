import assert from 'node:assert/strict';
import { test } from 'node:test';
import { dueOf } from '../../../../src/certificates/acme/due.ts';
import { DAY_MS, pairLiving } from './pair.ts';

const NOW = Date.UTC(2030, 0, 15);
const NAMES = ['a.test', 'b.test'];
const FACTS = { names: NAMES, ordered: NAMES, renewAtMs: undefined };
const YOUNG = pairLiving('AA', [0, 90], NOW);

test('what is not there is due, and so is what lacks a name that the configuration added', () => {
  assert.deepEqual(dueOf(undefined, FACTS), { atMs: 0, why: 'absent' });
  const due = dueOf(YOUNG, { ...FACTS, names: [...NAMES, 'c.test'] });
  assert.deepEqual(due, { atMs: 0, why: 'names' });
});

test('a pair is due after two thirds of its life, when no CA says otherwise', () => {
  assert.deepEqual(dueOf(YOUNG, FACTS), { atMs: NOW + 60 * DAY_MS, why: 'life' });
});

test('the word of the CA counts, but not beyond the last tenth of the life', () => {
  const due = (day: number) => dueOf(YOUNG, { ...FACTS, renewAtMs: NOW + day * DAY_MS });
  assert.deepEqual(due(70), { atMs: NOW + 70 * DAY_MS, why: 'life' });
  assert.deepEqual(due(88), { atMs: NOW + 81 * DAY_MS, why: 'life' });
  assert.deepEqual(due(-1), { atMs: NOW - DAY_MS, why: 'hint' });
});

test('a pair that somebody put there counts by its own life, even if it lacks names or has a wildcard for them', () => {
  const partial = pairLiving('BB', [0, 30], NOW, ['a.test']);
  assert.deepEqual(dueOf(partial, FACTS), { atMs: NOW + 20 * DAY_MS, why: 'life' });
  const wildcard = pairLiving('CC', [0, 30], NOW, ['*.apps.test']);
  const never = { names: ['x.apps.test'], ordered: [], renewAtMs: undefined };
  assert.deepEqual(dueOf(wildcard, never), { atMs: NOW + 20 * DAY_MS, why: 'life' });
});
