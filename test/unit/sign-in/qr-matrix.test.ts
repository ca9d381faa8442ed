import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Matrix, qrMatrix } from '../../../src/sign-in/qr-matrix.ts';

test('a code is as large as its text needs, and has a finder in three corners', () => {
  for (const [length, size] of [
    [1, 21],
    [17, 21],
    [18, 25],
    [134, 41],
    [154, 45],
    [858, 97],
  ] as const) {
    const rows: Matrix | undefined = qrMatrix('x'.repeat(length));
    assert.equal(rows?.length, size, `${length} bytes`);
    const last = size - 1;
    for (const [x, y] of [
      [3, 3],
      [last - 3, 3],
      [3, last - 3],
    ] as const) {
      assert.deepEqual(
        [0, 1, 2, 3].map((ring): boolean | undefined => rows[y]?.[x + ring]),
        [true, true, false, true],
      );
    }
  }
});

test('a text that is too long has no code', () => {
  assert.equal(qrMatrix('x'.repeat(859)), undefined);
});
