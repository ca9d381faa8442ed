import type { Answered } from '../exchange.ts';

/** How an answer ended up. */
export interface Delivered {
  readonly status: number;
  /** Bytes of the body that were handed to the connection. */
  readonly bytesOut: number;
  /** The connection ended before the answer did. */
  readonly aborted: boolean;
}

/** Puts one answer on the wire, whatever the protocol; `answer` is called once. */
export interface Responder {
  /** @param done - called once, when the answer is complete or cannot be completed any more */
  answer(answered: Answered, done: (delivered: Delivered) => void): void;
  /** Bytes of the body that were handed to the connection so far. */
  readonly bytesOut: number;
  /** Bytes that came from the client over its WebSocket so far. */
  readonly bytesIn: number;
  /**
   * Breaks off an answer that is under way; `done` follows. A WebSocket gets a close frame 4401, an HTTP/2 stream is
   * reset, any other HTTP/1.1 connection ends.
   *
   * @param reason - word from a closed set, told to the client of a WebSocket
   */
  cut(reason: string): void;
}
