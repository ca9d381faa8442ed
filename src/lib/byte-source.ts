/** Takes the bytes of a body, in order, then exactly one `end` or `fail`. */
export interface ByteSink {
  /**
   * Takes one chunk; the sink may keep it.
   * @returns false when the source must wait for `resume()` before the next chunk
   */
  write(chunk: Uint8Array): boolean;
  /** @param trailers - flat `[name, value, ...]`, names lower-case; empty when there are none */
  end(trailers: readonly string[]): void;
  fail(error: Error): void;
}

/** A body that streams with back-pressure and can be given up: one shape for client and upstream, HTTP/1.1 and HTTP/2. */
export interface ByteSource {
  /** Starts the flow into `sink`; called once. Calls to the sink may happen before this returns. */
  start(sink: ByteSink): void;
  /** Goes on after `write` gave false. */
  resume(): void;
  /** Gives the rest up: nothing reaches the sink any more and what is behind the source is released. */
  cancel(): void;
}

/** Tells a body that streams from one that is complete or absent. */
export function isSource(body: ByteSource | Uint8Array | null): body is ByteSource {
  return body !== null && !(body instanceof Uint8Array);
}
