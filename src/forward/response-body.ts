import type { ByteSink, ByteSource } from '../lib/byte-source.ts';

/** What the body of an answer may do with the connection that it comes from. */
export interface BodyOrigin {
  pause(): void;
  resume(): void;
  /** The body is no longer wanted; the connection is given up. */
  abandon(): void;
}

const UNREAD_CHUNKS = 4;

/** The body of an upstream's answer that did not arrive in one piece with its head. */
export class ResponseBody implements ByteSource {
  /** `undefined` once the answer is over: by then the connection may carry somebody else's exchange. */
  #origin: BodyOrigin | undefined;
  #sink: ByteSink | undefined;
  #waiting: Uint8Array[] = [];
  #end: { readonly trailers: readonly string[] } | { readonly error: Error } | undefined;
  #paused = false;
  #over = false;

  constructor(origin: BodyOrigin) {
    this.#origin = origin;
  }

  /** Takes bytes from the connection. */
  push(chunk: Uint8Array): void {
    if (this.#over) return;
    if (this.#sink === undefined || this.#paused) {
      this.#waiting.push(chunk);
      // The reader takes its place a moment after the head; only one that does not come stops the upstream.
      if (this.#waiting.length >= UNREAD_CHUNKS) this.#pause();
    } else if (!this.#sink.write(chunk)) {
      this.#pause();
    }
  }

  /** The body is complete. */
  finish(trailers: readonly string[]): void {
    this.#end ??= { trailers };
    this.#origin = undefined;
    this.#deliverEnd();
  }

  /** The body broke off. */
  fail(error: Error): void {
    this.#end ??= { error };
    this.#origin = undefined;
    this.#deliverEnd();
  }

  start(sink: ByteSink): void {
    this.#sink = sink;
    this.resume();
  }

  resume(): void {
    if (this.#over || this.#sink === undefined) return;
    this.#paused = false;
    while (this.#waiting.length > 0 && !this.#paused) {
      const chunk = this.#waiting.shift();
      if (chunk !== undefined && !this.#sink.write(chunk)) this.#paused = true;
    }
    if (this.#paused) return;
    this.#deliverEnd();
    if (!this.#over) this.#origin?.resume();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    this.#waiting = [];
    this.#origin?.abandon();
  }

  #pause(): void {
    this.#paused = true;
    this.#origin?.pause();
  }

  #deliverEnd(): void {
    if (this.#over || this.#end === undefined || this.#sink === undefined || this.#waiting.length > 0) return;
    this.#over = true;
    if ('error' in this.#end) this.#sink.fail(this.#end.error);
    else this.#sink.end(this.#end.trailers);
  }
}
