import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answered, HeaderList } from '../exchange.ts';
import { type ByteSink, type ByteSource, isSource } from '../lib/byte-source.ts';
import { release } from '../lib/release.ts';
import { drainUnread } from './drain-unread.ts';
import type { Delivered, Responder } from './responder.ts';
import { StallTimer } from './stall-timer.ts';

/** Answers one HTTP/1.1 request (RFC 9112). */
export class Http1Responder implements Responder, ByteSink {
  readonly #req: IncomingMessage;
  readonly #res: ServerResponse;
  readonly #abortListeners: (() => void)[] = [];
  #source: ByteSource | undefined;
  #done: ((delivered: Delivered) => void) | undefined;
  #bytesOut = 0;
  #ended = false;
  #closed = false;
  /** The answer is out, and the rest of the request's body is being thrown away. */
  #lingering = false;
  #continued = false;
  /** No request follows this one on its connection. */
  last = false;
  readonly #stall: StallTimer;

  /** @param stallMs - longest time in which the client takes none of its answer; 0 for no bound */
  constructor(req: IncomingMessage, res: ServerResponse, stallMs: number) {
    this.#req = req;
    this.#res = res;
    this.#stall = new StallTimer(stallMs, () => res.destroy());
    res.once('close', this.#onClose);
  }

  readonly interim = (status: number, headers: HeaderList): void => {
    if (this.#res.headersSent || this.#closed || this.#req.httpVersionMinor === 0) return;
    // 100 and 101 are between us and each side alone.
    if (status > 101) this.#res.writeInformation(status, [...headers]);
  };

  /** Asks for the body of a client that waits to be asked (RFC 9110 §10.1.1). */
  readonly askForBody = (): void => {
    if (this.#req.headers.expect === undefined || this.#res.headersSent || this.#closed) return;
    this.#continued = true;
    this.#res.writeContinue();
  };

  readonly onAbort = (listener: () => void): void => {
    if (this.#closed) listener();
    else this.#abortListeners.push(listener);
  };

  answer(answered: Answered, done: (delivered: Delivered) => void): void {
    this.#done = done;
    const { body } = answered;
    if (this.#closed) {
      release(answered);
      this.#report();
      return;
    }
    if (!isSource(body)) {
      this.#answerWhole(answered, body);
      return;
    }
    this.#res.writeHead(answered.status, [...answered.headers]);
    this.#source = body;
    this.#res.on('drain', () => {
      this.#stall.clear();
      body.resume();
    });
    body.start(this);
    if (this.#bytesOut === 0 && !this.#ended) this.#res.flushHeaders();
  }

  write(chunk: Uint8Array): boolean {
    this.#bytesOut += chunk.length;
    const more = this.#res.write(chunk);
    if (!more) this.#stall.arm();
    return more;
  }

  end(trailers: HeaderList): void {
    this.#ended = true;
    if (trailers.length > 0 && this.#req.httpVersionMinor !== 0) this.#res.addTrailers(pairs(trailers));
    this.#res.end();
    this.#stall.arm();
    const { socket } = this.#req;
    if (bodyIsUnread(this.#req)) drainUnread(this.#req, (complete) => complete || socket.destroy());
  }

  /** RFC 9112 §8: an answer that breaks off ends the connection, so that nobody takes it for complete. */
  fail(): void {
    this.#res.destroy();
  }

  readonly bytesIn = 0;

  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** @see fail */
  cut(): void {
    this.#res.destroy();
  }

  #answerWhole({ status, headers }: Answered, body: Uint8Array | null): void {
    const fields = [...headers];
    if (needsLength(status, this.#req.method) && !has(headers, 'content-length')) {
      fields.push('content-length', String(body?.length ?? 0));
    }
    this.#bytesOut = body?.length ?? 0;
    this.#ended = true;
    this.#stall.arm();
    const asked = this.#req.headers.expect === undefined || this.#continued;
    // The request's body has no reader any more: the connection cannot carry another request.
    const unread = bodyIsUnread(this.#req);
    this.last ||= unread;
    if (this.last) fields.push('connection', 'close');
    this.#res.writeHead(status, fields);
    if (!unread || !asked) {
      this.#res.end(body ?? undefined);
      return;
    }
    this.#lingering = true;
    if (body === null) this.#res.flushHeaders();
    else this.#res.write(body);
    drainUnread(this.#req, () => this.#res.end());
  }

  readonly #onClose = (): void => {
    this.#closed = true;
    this.#stall.clear();
    if (!this.#complete()) {
      this.#source?.cancel();
      for (const listener of this.#abortListeners) listener();
    }
    this.#report();
  };

  #report(): void {
    const done = this.#done;
    if (done === undefined || !this.#closed) return;
    this.#done = undefined;
    done({ status: this.#res.statusCode, bytesOut: this.#bytesOut, aborted: !this.#complete() });
  }

  #complete(): boolean {
    if (this.#res.writableFinished) return this.#ended;
    return this.#lingering && this.#res.writableLength === 0;
  }
}

/** A request without a body is not `complete` either while node still announces it. */
function bodyIsUnread({ complete, headers }: IncomingMessage): boolean {
  if (complete) return false;
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

function needsLength(status: number, method: string | undefined): boolean {
  return status !== 204 && status !== 304 && method !== 'HEAD';
}

function has(headers: HeaderList, name: string): boolean {
  for (let i = 0; i < headers.length; i += 2) if (headers[i] === name) return true;
  return false;
}

function pairs(flat: HeaderList): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) result.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return result;
}
