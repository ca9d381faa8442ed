import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { hasDuplicateMember } from '../../../src/authenticate/json-members.ts';

test('a member named twice is found at any depth and in any spelling', () => {
  for (const json of [
    '{"a":1,"a":2}',
    '{"alg":"none","\\u0061lg":"ES256"}',
    '{"x":{"a":1,"b":[{"c":1,"c":1}]}}',
    '[{"a":1},{"b":{"c":2},"b":3}]',
    ' { "a" : [ 1 , "a" ] , "b" : 1 , "a" : 0 } ',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
  ]) {
    assert.equal(hasDuplicateMember(json), true, json);
  }
});

test('equal names in different objects, and values that look like names, are no duplicates', () => {
  for (const json of [
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"a":"b","b":"a"}',
    '{"a":["a","a"],"b":"{\\"a\\":1,\\"a\\":1}"}',
    '{"a":"\\\\","b":"\\"a\\":"}',
    '"a"',
    '[]',
  ]) {
    assert.equal(hasDuplicateMember(json), false, json);
  }
});

test('what JSON.stringify writes never has a duplicate, and gets one by writing a member again', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue(), { minKeys: 1 }), (object) => {
      const json = JSON.stringify(object);
      assert.equal(hasDuplicateMember(json), false);
      const name = JSON.stringify(Object.keys(object)[0]);
      assert.equal(hasDuplicateMember(`${json.slice(0, -1)},${name}:0}`), true);
    }),
  );
});
