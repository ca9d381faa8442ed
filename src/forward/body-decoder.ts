import { trimSpace } from '../lib/trim-space.ts';
import type { Framing } from './response-head.ts';
import { badAnswer } from './response-head.ts';

/** What a decoder found in the bytes that it was given. */
export interface Decoded {
  /** Body bytes, in order, as views into the input. */
  readonly chunks: readonly Uint8Array[];
  /** The body is complete. */
  readonly done: boolean;
  /** Bytes after the end of the body; empty while it is not complete. */
  readonly rest: Uint8Array;
  /** Trailer section of a chunked body, flat, names as received. */
  readonly trailers: readonly string[];
}

/** Takes the bytes of an answer's body as they come and finds its end. */
export interface BodyDecoder {
  /** @throws SP_FORWARD_BAD_ANSWER when the framing is broken */
  decode(bytes: Uint8Array): Decoded;
  /** The connection ended. @returns whether the body was complete by that */
  finish(): boolean;
}

const EMPTY = new Uint8Array(0);

/** Gives the decoder for a framing; `none` has no decoder. */
export function bodyDecoder(framing: Exclude<Framing, { kind: 'none' }>): BodyDecoder {
  switch (framing.kind) {
    case 'length':
      return new LengthDecoder(framing.bytes);
    case 'chunked':
      return new ChunkedDecoder();
    case 'until-close':
      return {
        decode: (bytes) => ({ chunks: [bytes], done: false, rest: EMPTY, trailers: [] }),
        finish: () => true,
      };
  }
}

class LengthDecoder implements BodyDecoder {
  #left: number;

  constructor(bytes: number) {
    this.#left = bytes;
  }

  decode(bytes: Uint8Array): Decoded {
    const taken = Math.min(this.#left, bytes.length);
    this.#left -= taken;
    const whole = taken === bytes.length;
    return {
      chunks: [whole ? bytes : bytes.subarray(0, taken)],
      done: this.#left === 0,
      rest: whole ? EMPTY : bytes.subarray(taken),
      trailers: [],
    };
  }

  finish(): boolean {
    return this.#left === 0;
  }
}

const CR = 13;
const LF = 10;
const MAX_SIZE_LINE = 256;
const MAX_TRAILER_BYTES = 16 * 1024;

type ChunkState = 'size' | 'bytes' | 'bytes-end' | 'trailers' | 'done';

/** Chunked coding, strict: CRLF only, hex sizes without sign, bounded extensions and trailers (RFC 9112 §7.1). */
class ChunkedDecoder implements BodyDecoder {
  #state: ChunkState = 'size';
  #line = '';
  #left = 0;
  #trailerBytes = 0;
  readonly #trailers: string[] = [];

  decode(bytes: Uint8Array): Decoded {
    const chunks: Uint8Array[] = [];
    let at = 0;
    while (at < bytes.length && this.#state !== 'done') {
      if (this.#state === 'bytes') {
        const taken = Math.min(this.#left, bytes.length - at);
        chunks.push(bytes.subarray(at, at + taken));
        this.#left -= taken;
        at += taken;
        if (this.#left === 0) this.#state = 'bytes-end';
      } else {
        at = this.#readLine(bytes, at);
      }
    }
    return {
      chunks,
      done: this.#state === 'done',
      rest: at < bytes.length ? bytes.subarray(at) : EMPTY,
      trailers: this.#trailers,
    };
  }

  finish(): boolean {
    return this.#state === 'done';
  }

  /** Reads up to and including one LF; acts on the line when it is complete. */
  #readLine(bytes: Uint8Array, start: number): number {
    const end = bytes.indexOf(LF, start);
    const stop = end === -1 ? bytes.length : end;
    if (this.#line.length + stop - start > (this.#state === 'trailers' ? MAX_TRAILER_BYTES : MAX_SIZE_LINE)) {
      throw badAnswer('chunk-line-too-long');
    }
    for (let i = start; i < stop; i++) this.#line += String.fromCharCode(bytes[i] ?? 0);
    if (end === -1) return bytes.length;
    if (this.#line.charCodeAt(this.#line.length - 1) !== CR) throw badAnswer('chunk-bare-lf');
    const line = this.#line.slice(0, -1);
    this.#line = '';
    this.#takeLine(line);
    return end + 1;
  }

  #takeLine(line: string): void {
    if (this.#state === 'bytes-end') {
      if (line !== '') throw badAnswer('chunk-end');
      this.#state = 'size';
    } else if (this.#state === 'size') {
      const match = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;[\t\x20-\x7e]*)?$/.exec(line);
      if (match === null) throw badAnswer('chunk-size');
      this.#left = Number.parseInt(match[1] ?? '', 16);
      this.#state = this.#left === 0 ? 'trailers' : 'bytes';
    } else if (line === '') {
      this.#state = 'done';
    } else {
      this.#takeTrailer(line);
    }
  }

  #takeTrailer(line: string): void {
    this.#trailerBytes += line.length;
    if (this.#trailerBytes > MAX_TRAILER_BYTES) throw badAnswer('trailers-too-large');
    const match = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([\t\x20-\x7e\x80-\xff]*)$/.exec(line);
    if (match === null) throw badAnswer('trailer');
    this.#trailers.push((match[1] ?? '').toLowerCase(), trimSpace(match[2] ?? ''));
  }
}
