import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DURATION_PATTERN, parseDuration } from '../../../src/lib/duration.ts';

test('a duration is a whole number and its unit', () => {
  const cases: [string, number][] = [
    ['0s', 0],
    ['250ms', 250],
    ['30s', 30_000],
    ['5m', 300_000],
    ['12h', 43_200_000],
    ['7d', 604_800_000],
  ];
  for (const [text, ms] of cases) {
    assert.equal(parseDuration(text), ms, text);
    assert.match(text, new RegExp(DURATION_PATTERN));
  }
});

test('anything else is not a duration', () => {
  for (const text of [
    '',
    '30',
    's',
    '1.5h',
    '-1s',
    '+1s',
    '30 s',
    '30S',
    '1h30m',
    '030s',
    '1e3s',
    ' 1s',
    '1s\n',
    '1w',
    '٣s',
    '1234567890s',
  ]) {
    assert.equal(parseDuration(text), undefined, JSON.stringify(text));
    assert.doesNotMatch(text, new RegExp(`${DURATION_PATTERN}(?!\n)`));
  }
});
