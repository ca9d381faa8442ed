import assert from 'node:assert/strict';
import { test } from 'node:test';
import { firstFew } from '../../../src/lib/first-few.ts';

test('a long list is told by its first items and how many more there are', () => {
  assert.equal(firstFew([], 2), '');
  assert.equal(firstFew(['a', 'b', 'c'], 2), 'a, b, c');
  assert.equal(firstFew(['a', 'b', 'c', 'd'], 2), 'a, b and 2 more');
});
