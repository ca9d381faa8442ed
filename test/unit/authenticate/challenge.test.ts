import assert from 'node:assert/strict';
import { test } from 'node:test';
import { basicChallenge, bearerChallenge } from '../../../src/authenticate/challenge.ts';

test('a realm cannot end its quotes or the header field', () => {
  assert.equal(basicChallenge('a"b\\c'), 'Basic realm="a\\"b\\\\c", charset="UTF-8"');
  assert.equal(basicChallenge('x\r\nSet-Cookie: y'), 'Basic realm="x??Set-Cookie: y", charset="UTF-8"');
  assert.equal(basicChallenge('Büro'), 'Basic realm="B?ro", charset="UTF-8"');
});

test('a refused token is told as invalid_token, an absent one without an error', () => {
  assert.equal(bearerChallenge('r', false), 'Bearer realm="r"');
  assert.equal(bearerChallenge('r', true), 'Bearer realm="r", error="invalid_token"');
});
