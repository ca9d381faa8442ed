import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sameSettings } from '../../../src/lib/same-settings.ts';
import { Secret } from '../../../src/lib/secret.ts';

test('settings are compared by value, secrets included', () => {
  const made = (word: string) => ({ list: [{ secret: new Secret(word) }], map: new Map([['a', [1]]]), n: 1 });
  assert.equal(sameSettings(made('x'), made('x')), true);
  assert.equal(sameSettings(made('x'), made('y')), false);
  assert.equal(sameSettings(new Map([['a', 1]]), new Map([['b', 1]])), false);
  assert.equal(sameSettings({ a: undefined }, { b: undefined }), false);
  assert.equal(sameSettings([1, 2], [1]), false);
  assert.equal(sameSettings(new Secret('x'), 'x'), false);
});
