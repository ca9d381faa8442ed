import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalTarget } from '../../../src/listen/canonical-target.ts';

test('the path gets its one spelling, the query stays as it came', () => {
  assert.deepEqual(canonicalTarget('/a%62c?x=%61&y'), { path: '/abc', query: '?x=%61&y' });
  assert.deepEqual(canonicalTarget('/?'), { path: '/', query: '?' });
  assert.deepEqual(canonicalTarget('/a'), { path: '/a', query: '' });
});

test('what two parsers could read differently has no spelling', () => {
  for (const target of ['/a?b c', '/a?b#c', '/a?\u00e4', '/a?\t']) {
    assert.deepEqual(canonicalTarget(target), { fault: 'query-character' });
  }
  assert.deepEqual(canonicalTarget('/a/../b?c d'), { fault: 'dot-segment' });
  assert.deepEqual(canonicalTarget(''), { fault: 'not-origin-form' });
});
