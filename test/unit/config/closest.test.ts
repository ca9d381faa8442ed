import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closest } from '../../../src/config/closest.ts';

test('a slip of the pen finds what was meant', () => {
  const keys = ['upstream', 'public', 'accept', 'allow', 'path'];
  assert.equal(closest('upstraem', keys), 'upstream');
  assert.equal(closest('Public', keys), 'public');
  assert.equal(closest('acept', keys), 'accept');
  assert.equal(closest('paths', keys), 'path');
});

test('a word that is far from all finds nothing', () => {
  assert.equal(closest('colour', ['path', 'host']), undefined);
  assert.equal(closest('', ['path']), undefined);
  assert.equal(closest('x'.repeat(1000), ['x'.repeat(1000)]), undefined);
});
