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
}
