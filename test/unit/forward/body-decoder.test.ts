import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { bodyDecoder } from '../../../src/forward/body-decoder.ts';

interface Outcome {
  readonly body: string;
  readonly done: boolean;
  readonly rest: string;
  readonly trailers: readonly string[];
}

function decode(kind: 'chunked' | number, pieces: readonly Buffer[]): Outcome {
  const decoder = bodyDecoder(kind === 'chunked' ? { kind } : { kind: 'length', bytes: kind });
  let body = '';
  for (const [i, piece] of pieces.entries()) {
    const { chunks, done, rest, trailers } = decoder.decode(piece);
    for (const chunk of chunks) body += Buffer.from(chunk).toString('latin1');
    if (!done) continue;
    const after = Buffer.concat([rest, ...pieces.slice(i + 1)]).toString('latin1');
    return { body, done, rest: after, trailers };
  }
  return { body, done: decoder.finish(), rest: '', trailers: [] };
}

/** Cuts bytes at the given places. */
function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = [...new Set([0, ...places.filter((place) => place < bytes.length), bytes.length])].sort(
    (a, b) => a - b,
  );
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end));
}

const MESSAGE = Buffer.from(
  '3\r\nabc\r\nA;ext="v"\r\n0123456789\r\n0\r\nX-One: 1 \r\nx-two:\xc3\xa0\r\n\r\nNEXT',
  'latin1',
);
const WHOLE: Outcome = {
  body: 'abc0123456789',
  done: true,
  rest: 'NEXT',
  trailers: ['x-one', '1', 'x-two', '\xc3\xa0'],
};

test('a chunked body is the same wherever the network cuts it', () => {
  for (let i = 0; i <= MESSAGE.length; i++) assert.deepEqual(decode('chunked', cut(MESSAGE, [i])), WHOLE);
  const bytes = Array.from({ length: MESSAGE.length }, (_, i) => i);
  assert.deepEqual(decode('chunked', cut(MESSAGE, bytes)), WHOLE);
});

test('any body, chunked in any way and cut anywhere, comes out as it was', () => {
  const parts = fc.array(fc.uint8Array({ minLength: 1, maxLength: 40 }), { maxLength: 8 });
  fc.assert(
    fc.property(parts, fc.array(fc.nat(400), { maxLength: 12 }), (chunks, places) => {
      const sent = chunks.flatMap((chunk) => [
        Buffer.from(`${chunk.length.toString(16)}\r\n`),
        chunk,
        Buffer.from('\r\n'),
      ]);
      const bytes = Buffer.concat([...sent, Buffer.from('0\r\n\r\n')]);
      const { body, done, rest } = decode('chunked', cut(bytes, places));
      assert.deepEqual([body, done, rest], [Buffer.concat(chunks).toString('latin1'), true, '']);
    }),
  );
});

test('a body of known length ends there, and not before', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 1, maxLength: 50 }),
      fc.nat(60),
      fc.array(fc.nat(50)),
      (bytes, length, places) => {
        const { body, done, rest } = decode(length + 1, cut(Buffer.from(bytes), places));
        const text = Buffer.from(bytes).toString('latin1');
        assert.deepEqual(
          [body, done, rest],
          [text.slice(0, length + 1), bytes.length > length, text.slice(length + 1)],
        );
      },
    ),
  );
});

test('a body until the end of the connection is complete only by that end', () => {
  const decoder = bodyDecoder({ kind: 'until-close' });
  assert.equal(decoder.decode(Buffer.from('abc')).done, false);
  assert.equal(decoder.finish(), true);
});

test('chunks that two parsers could read differently are refused', () => {
  const bad = [
    '\r\n',
    'g\r\n',
    '+1\r\na',
    '-1\r\n',
    '0x1\r\na',
    '1\na',
    '1\r\nab\r\n',
    '1 x\r\na',
    '1\r\na\n',
    '1,1\r\na',
  ];
  bad.push('fffffffffffff\r\n', ` 1\r\na`, '1\r\na\rb\n', `1;${'e'.repeat(300)}`, `1;\x01\r\n`);
  bad.push('0\r\nno colon\r\n', '0\r\n: x\r\n', '0\r\na b: x\r\n', '0\r\na: \x00\r\n', '0\r\n folded\r\n');
  bad.push(`0\r\nx: ${'y'.repeat(17_000)}\r\n`, `0\r\n${'x: yyyyyyyyyyyyyy\r\n'.repeat(1_100)}`);
  for (const text of bad) {
    for (const places of [[], Array.from({ length: text.length }, (_, i) => i)]) {
      assert.throws(
        () => decode('chunked', cut(Buffer.from(text, 'latin1'), places)),
        { code: 'SP_FORWARD_BAD_ANSWER' },
        text,
      );
    }
  }
});
