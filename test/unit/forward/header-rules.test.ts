import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fieldValue, identityFields } from '../../../src/forward/identity-fields.ts';
import { withoutCookie } from '../../../src/forward/request-headers.ts';
import { reservedNames } from '../../../src/forward/reserved-names.ts';
import { answerHeaders, interimHeaders } from '../../../src/forward/response-headers.ts';
import { safeTrailers } from '../../../src/forward/trailers.ts';

const COOKIE = '__Host-sallyport';

test('the session cookie and its companions are taken out of the others, every one of its name', () => {
  for (const [sent, kept] of [
    [`${COOKIE}=x`, ''],
    [`a=1; ${COOKIE}=x; b=2`, 'a=1; b=2'],
    [`${COOKIE}=x;${COOKIE}=y`, ''],
    [`  ${COOKIE} =x; a=1`, 'a=1'],
    [`a=${COOKIE}=x`, `a=${COOKIE}=x`],
    [`${COOKIE}2=x; my${COOKIE}=y`, `${COOKIE}2=x; my${COOKIE}=y`],
    [`${COOKIE}-form=x; a=1; ${COOKIE}-flow-y=z`, 'a=1'],
    ['a=1; b', 'a=1; b'],
  ] as const) {
    assert.equal(withoutCookie(sent, COOKIE), kept, sent);
  }
});

test('an upstream sets any cookie but the session cookie and its companions', () => {
  const stolen = [
    `${COOKIE}=x`,
    ` ${COOKIE} = x; Path=/`,
    `=${COOKIE}=x`,
    ` = ${COOKIE}=x`,
    COOKIE,
    `${COOKIE}-form=x; Path=/`,
  ];
  const kept = [`${COOKIE}2=x`, `a=${COOKIE}=x`, 'b=1', 'c'];
  const flat = [...stolen, ...kept].flatMap((value) => ['set-cookie', value]);
  const left = answerHeaders(['x-a', COOKIE, ...flat], COOKIE);
  assert.deepEqual(left, ['x-a', COOKIE, ...kept.flatMap((value) => ['set-cookie', value])]);
  const same = ['set-cookie', 'a=1', 'x', 'y'];
  assert.equal(answerHeaders(same, COOKIE), same);
});

test('an interim answer sets no cookie', () => {
  assert.deepEqual(interimHeaders(['link', '<a>', 'set-cookie', 'a=1', 'x', 'y']), ['link', '<a>', 'x', 'y']);
});

test('a text becomes a field value that no reader splits or ends, and that decodes to the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const value = fieldValue(text);
      assert.match(value, /^[\x20-\x7e]*$/);
      assert.doesNotMatch(value, /,|^ | $/);
      assert.equal(decodeURIComponent(value), text.isWellFormed() ? text : decodeURIComponent(value));
    }),
  );
  assert.equal(fieldValue('Alice Liddell'), 'Alice Liddell');
  assert.equal(fieldValue('a,b\r\nc%'), 'a%2Cb%0D%0Ac%25');
});

test('no client can send what tells an upstream who is asking', () => {
  const reserved = reservedNames();
  const fields = identityFields({
    user: 'ada',
    method: 'token',
    groups: ['ops', 'a,b'],
    email: 'ada@example.com',
    claims: {},
    sessionId: undefined,
    expiresAtSec: undefined,
  });
  const names = fields.filter((_, i) => i % 2 === 0);
  assert.equal(names.length, 3);
  for (const name of names) assert.ok(reserved(name), name);
  assert.equal(fields.at(-1), 'ops,a%2Cb');
});

test('trailers that decide framing, identity or what the gateway says of a client do not pass', () => {
  const reserved = reservedNames();
  const dropped = [
    'content-length',
    'transfer-encoding',
    'host',
    'authorization',
    'cookie',
    'set-cookie',
    'te',
  ];
  dropped.push('x-forwarded-user', 'x-sallyport-assertion', 'x_y', ':status', 'x.y', '');
  const flat = [...dropped, 'grpc-status', 'x-sum'].flatMap((name) => [name, 'v']);
  assert.deepEqual(safeTrailers(flat, reserved), ['grpc-status', 'v', 'x-sum', 'v']);
});
