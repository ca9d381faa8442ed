import type { Admitted, Answered } from '../exchange.ts';
import { kindOf, type StreamKind } from './stream-kind.ts';

/** The client's side of an answer that is under way. */
export interface StreamLine {
  readonly bytesOut: number;
  /** Bytes that came from the client of a WebSocket. */
  readonly bytesIn: number;
  /** Breaks the answer off. @param reason - told to the client of a WebSocket */
  cut(reason: string): void;
}

/** One open stream as the admin sees it. */
export interface StreamView {
  /** Id of the exchange, as in the access log. */
  readonly id: string;
  readonly user: string | undefined;
  /** Public id of the session that the stream hangs on. */
  readonly sessionId: string | undefined;
  readonly route: string;
  readonly kind: StreamKind;
  /** Seconds since the epoch. */
  readonly sinceSec: number;
  /** Bytes that the client was sent. */
  readonly bytes: number;
}

/** An answer that is under way, with everything that was known when it was admitted. */
export class OpenStream {
  readonly kind: StreamKind;
  readonly sinceMs: number;
  readonly #line: StreamLine;
  /** As decided last. */
  admitted: Admitted;
  /** What it is found by while it is indexed. */
  tags: readonly string[] = [];
  /** Position in the order of doubts at which it was last doubted. */
  doubtedAt = 0;
  #isCut = false;
  #bytesSeen = 0;

  constructor(admitted: Admitted, answered: Answered, line: StreamLine, nowMs: number) {
    this.admitted = admitted;
    this.kind = kindOf(answered);
    this.sinceMs = nowMs;
    this.#line = line;
  }

  get id(): string {
    return this.admitted.arrived.id;
  }

  /**
   * Ends the stream, once.
   * @param reason - word from a closed set, for the client of a WebSocket; with `cut-` in front for the access log
   * @returns false when it was cut before
   */
  cut(reason: string): boolean {
    if (this.#isCut) return false;
    this.#isCut = true;
    this.admitted.arrived.record.reason = `cut-${reason}`;
    this.#line.cut(reason);
    return true;
  }

  /** Tells whether the client has sent something over its WebSocket since this was asked last. */
  wasUsed(): boolean {
    const { bytesIn } = this.#line;
    const used = bytesIn !== this.#bytesSeen;
    this.#bytesSeen = bytesIn;
    return used;
  }

  view(): StreamView {
    const { route, identity } = this.admitted;
    return {
      id: this.id,
      user: identity?.user,
      sessionId: identity?.sessionId,
      route: route.id,
      kind: this.kind,
      sinceSec: Math.floor(this.sinceMs / 1000),
      bytes: this.#line.bytesOut,
    };
  }
}
