const CLOSE = 0x8;
const FINAL = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;

/**
 * Finds where frames end in one direction of a WebSocket, reading frame headers only; no payload is looked at or copied.
 *
 * A control frame may stand between any two frames, also between the fragments of one message.
 *
 * @see RFC 6455 §5.2, §5.4
 */
export class WebSocketFrames {
  /** Bytes of the present header that were seen; 0 between frames and inside a payload. */
  #seen = 0;
  #headerBytes = 2;
  /** Bytes of the header up to the end of the length. */
  #lengthEnds = 2;
  #length = 0;
  /** Bytes of the present payload that are still to come. */
  #left = 0;
  #closed = false;

  /** Whether the last byte taken was the last one of a frame. */
  get atBoundary(): boolean {
    return this.#left === 0 && this.#seen === 0;
  }

  /** Whether a close frame has begun, after which no other frame may follow. */
  get closed(): boolean {
    return this.#closed;
  }

  /**
   * Takes bytes up to the end of the present frame.
   * @returns the index behind the last byte taken: that frame's end, or the length of `chunk`
   */
  take(chunk: Uint8Array, from: number): number {
    let at = from;
    while (at < chunk.length) {
      if (this.#left > 0) {
        const taken = Math.min(this.#left, chunk.length - at);
        this.#left -= taken;
        at += taken;
      } else {
        this.#takeHeaderByte(chunk[at] ?? 0);
        at++;
      }
      if (this.atBoundary) return at;
    }
    return at;
  }

  #takeHeaderByte(byte: number): void {
    if (this.#seen === 0) {
      if ((byte & 0x0f) === CLOSE) this.#closed = true;
    } else if (this.#seen === 1) {
      const short = byte & 0x7f;
      const extended = short === 127 ? 8 : short === 126 ? 2 : 0;
      this.#length = extended === 0 ? short : 0;
      this.#lengthEnds = 2 + extended;
      this.#headerBytes = this.#lengthEnds + ((byte & MASKED) === 0 ? 0 : MASK_BYTES);
    } else if (this.#seen < this.#lengthEnds) {
      this.#length = this.#length * 256 + byte;
    }
    this.#seen++;
    if (this.#seen < this.#headerBytes || this.#seen === 1) return;
    this.#seen = 0;
    this.#headerBytes = 2;
    this.#left = this.#length;
  }
}

/**
 * Gives an unmasked close frame, as a server sends it.
 * @param reason - at most 123 bytes of UTF-8
 * @see RFC 6455 §5.5.1
 */
export function closeFrame(code: number, reason: string): Uint8Array {
  const text = Buffer.from(reason);
  const frame = Buffer.alloc(4 + text.length);
  frame.writeUInt8(FINAL | CLOSE, 0);
  frame.writeUInt8(2 + text.length, 1);
  frame.writeUInt16BE(code, 2);
  text.copy(frame, 4);
  return frame;
}
