import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { makeSealer } from '../../../src/lib/seal.ts';

const key = randomBytes(32);
const plain = Buffer.from('a private key');

test('what was sealed is opened with the same key and context', () => {
  const sealer = makeSealer(key);
  assert.deepEqual(Buffer.from(sealer.open(sealer.seal(plain, 'a'), 'a')), plain);
  assert.equal(makeSealer(key).open(sealer.seal(new Uint8Array(), 'a'), 'a').length, 0);
});

test('the same bytes are never sealed to the same bytes', () => {
  const sealer = makeSealer(key);
  assert.notDeepEqual(sealer.seal(plain, 'a'), sealer.seal(plain, 'a'));
});

test('another key is told apart from damage', () => {
  const sealed = makeSealer(key).seal(plain, 'a');
  assert.throws(() => makeSealer(randomBytes(32)).open(sealed, 'a'), { reason: 'wrong-key' });
});

test('sealed bytes moved to another record do not open', () => {
  const sealer = makeSealer(key);
  assert.throws(() => sealer.open(sealer.seal(plain, 'a'), 'b'), { reason: 'corrupt' });
});

test('a changed bit anywhere, or a missing end, does not open', () => {
  const sealer = makeSealer(key);
  const sealed = sealer.seal(plain, 'a');
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = Uint8Array.from(sealed, (byte, place) => (place === index ? byte ^ 1 : byte));
    assert.throws(() => sealer.open(changed, 'a'), { name: 'SealError' });
    assert.throws(() => sealer.open(sealed.subarray(0, index), 'a'), { name: 'SealError' });
  }
});

test('a key of another length is refused', () => {
  assert.throws(() => makeSealer(randomBytes(16)), RangeError);
});
