import type { Socket } from 'node:net';
import type { ByteSink, ByteSource } from '../lib/byte-source.ts';

const LAST_CHUNK = '0\r\n';

/** Sends a request body to the upstream with back-pressure, chunked or by its known length. */
export class RequestBodyWriter implements ByteSink {
  readonly #socket: Socket;
  readonly #source: ByteSource;
  readonly #chunked: boolean;
  readonly #onEnd: (error: Error | undefined) => void;
  #over = false;
  readonly #resume = (): void => this.#source.resume();

  /** @param onEnd - called once: without error when all of the body was written, with it when the client failed */
  constructor(
    socket: Socket,
    source: ByteSource,
    chunked: boolean,
    onEnd: (error: Error | undefined) => void,
  ) {
    this.#socket = socket;
    this.#source = source;
    this.#chunked = chunked;
    this.#onEnd = onEnd;
    socket.on('drain', this.#resume);
  }

  start(): void {
    this.#source.start(this);
  }

  write(chunk: Uint8Array): boolean {
    if (this.#over || chunk.length === 0) return true;
    if (!this.#chunked) return this.#socket.write(chunk);
    this.#socket.cork();
    this.#socket.write(`${chunk.length.toString(16)}\r\n`, 'latin1');
    this.#socket.write(chunk);
    const more = this.#socket.write('\r\n', 'latin1');
    this.#socket.uncork();
    return more;
  }

  end(trailers: readonly string[]): void {
    if (this.#over) return;
    if (this.#chunked) {
      let tail = LAST_CHUNK;
      for (let i = 0; i < trailers.length; i += 2) tail += `${trailers[i]}: ${trailers[i + 1]}\r\n`;
      this.#socket.write(`${tail}\r\n`, 'latin1');
    }
    this.#close();
    this.#onEnd(undefined);
  }

  fail(error: Error): void {
    if (this.#over) return;
    this.#close();
    this.#onEnd(error);
  }

  /** Gives the rest of the body up. */
  cancel(): void {
    if (this.#over) return;
    this.#close();
    this.#source.cancel();
  }

  #close(): void {
    this.#over = true;
    this.#socket.off('drain', this.#resume);
  }
}
