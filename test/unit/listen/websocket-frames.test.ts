import assert from 'node:assert/strict';
import { test } from 'node:test';
import { closeFrame, WebSocketFrames } from '../../../src/listen/websocket-frames.ts';

function frame(opcode: number, length: number, { masked = false, final = true } = {}): Buffer {
  const mask = masked ? 0x80 : 0;
  const head = [(final ? 0x80 : 0) | opcode];
  if (length < 126) head.push(mask | length);
  else if (length < 65536) head.push(mask | 126, length >> 8, length & 255);
  else head.push(mask | 127, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255);
  // A payload that looks like close frames must not be taken for one.
  return Buffer.concat([Buffer.from(head), Buffer.alloc(masked ? 4 : 0, 0x88), Buffer.alloc(length, 0x88)]);
}

/** Gives the index behind every frame, as found when the bytes come in pieces of `size`. */
function endsOf(bytes: Buffer, size: number): number[] {
  const frames = new WebSocketFrames();
  const ends: number[] = [];
  for (let start = 0; start < bytes.length; start += size) {
    const piece = bytes.subarray(start, start + size);
    for (let at = 0; at < piece.length; ) {
      at = frames.take(piece, at);
      if (frames.atBoundary) ends.push(start + at);
    }
  }
  return ends;
}

test('the end of every frame is found, whatever its length and however its bytes are cut up', () => {
  for (const masked of [false, true]) {
    const parts = [0, 1, 125, 126, 127, 128, 65535, 65536, 70000, 0].map((length) =>
      frame(2, length, { masked }),
    );
    let end = 0;
    const expected = parts.map((part) => {
      end += part.length;
      return end;
    });
    for (const size of [1, 2, 3, 7, 1000, 65536, 1_000_000]) {
      assert.deepEqual(endsOf(Buffer.concat(parts), size), expected, `pieces of ${size}, masked ${masked}`);
    }
  }
});

test('the fragments of one message end at boundaries of their own', () => {
  const parts = [frame(1, 5, { final: false }), frame(0, 3, { final: false }), frame(9, 0), frame(0, 200)];
  assert.equal(endsOf(Buffer.concat(parts), 4).length, 4);
});

test('nothing is at a boundary inside a header or a payload', () => {
  const frames = new WebSocketFrames();
  const bytes = frame(1, 300);
  for (let at = 0; at < bytes.length; at++) {
    frames.take(bytes.subarray(at, at + 1), 0);
    assert.equal(frames.atBoundary, at === bytes.length - 1, `after byte ${at}`);
  }
});

test('a close frame is noticed, a payload that looks like one is not', () => {
  const frames = new WebSocketFrames();
  frames.take(frame(2, 300), 0);
  assert.equal(frames.closed, false);
  frames.take(Buffer.from(closeFrame(1000, '')), 0);
  assert.equal(frames.closed, true);
});

test('the close frame that is sent is one frame with code and reason', () => {
  const bytes = closeFrame(4401, 'session-ended');
  assert.deepEqual([...bytes.subarray(0, 4)], [0x88, 15, 0x11, 0x31]);
  assert.equal(Buffer.from(bytes.subarray(4)).toString(), 'session-ended');
  assert.deepEqual(endsOf(Buffer.from(bytes), 1), [bytes.length]);
});
