import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BYTE_SIZE_PATTERN, parseByteSize } from '../../../src/lib/byte-size.ts';

test('a size is a whole number and its binary unit', () => {
  const cases: [string, number][] = [
    ['0B', 0],
    ['512B', 512],
    ['32KiB', 32_768],
    ['100MiB', 104_857_600],
    ['2GiB', 2_147_483_648],
  ];
  for (const [text, bytes] of cases) {
    assert.equal(parseByteSize(text), bytes, text);
    assert.match(text, new RegExp(BYTE_SIZE_PATTERN));
  }
});

test('anything else is not a size', () => {
  for (const text of [
    '',
    '32',
    'KiB',
    '32KB',
    '32kib',
    '32K',
    '32k',
    '1.5MiB',
    '-1B',
    '32 KiB',
    '032B',
    '1TiB',
    '1234567B',
  ]) {
    assert.equal(parseByteSize(text), undefined, JSON.stringify(text));
    assert.doesNotMatch(text, new RegExp(BYTE_SIZE_PATTERN));
  }
});
