import assert from 'node:assert/strict';
import { test } from 'node:test';
import { retryAfterMs } from '../../../../src/certificates/acme/retry-after.ts';

const NOW = Date.UTC(2030, 0, 15);

test('Retry-After is read as seconds or as a date, bounded, and garbage is none', () => {
  const rows: [string | undefined, number | undefined][] = [
    [undefined, undefined],
    ['30', 30_000],
    [' 5 ', 5_000],
    ['0', 0],
    ['Tue, 15 Jan 2030 00:01:00 GMT', 60_000],
    ['Mon, 14 Jan 2030 00:00:00 GMT', 0],
    ['999999999', 8 * 86_400_000],
    ['soon', undefined],
    ['-5x', undefined],
  ];
  for (const [field, ms] of rows) assert.equal(retryAfterMs(field, NOW), ms, String(field));
});
