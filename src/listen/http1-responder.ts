import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Answered, HeaderList } from '../exchange.ts';
import { type ByteSink, type ByteSource, isSource } from '../lib/byte-source.ts';
import type { Delivered, Responder } from './responder.ts';

/** Most bytes of an unwanted request body that are read and thrown away, so that the client sees its answer. */
const MAX_UNREAD_BYTES = 1024 * 1024;
const MAX_LINGER_MS = 5_000;

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

  constructor(req: IncomingMessage, res: ServerResponse) {
    this.#req = req;
    this.#res = res;
    res.once('close', this.#onClose);
  }

  readonly interim = (status: number, headers: HeaderList): void => {
    if (this.#res.headersSent || this.#closed || this.#req.httpVersionMinor === 0) return;
    if (status === 103) {
      const hints: Record<string, string | string[]> = { link: valuesOf(headers, 'link') };
      if (hints.link?.length !== 0) this.#res.writeEarlyHints(hints);
    } else if (status === 102) {
      this.#res.writeProcessing();
    }
  };

  readonly onAbort = (listener: () => void): void => {
    if (this.#closed) listener();
    else this.#abortListeners.push(listener);
  };

  answer(answered: Answered, done: (delivered: Delivered) => void): void {
    this.#done = done;
    const { body } = answered;
    if (this.#closed) {
      if (isSource(body)) body.cancel();
      this.#report();
      return;
    }
    this.#writeHead(answered);
    if (!isSource(body)) {
      this.#bytesOut = body?.length ?? 0;
      this.#ended = true;
      this.#res.end(body ?? undefined);
      return;
    }
    this.#source = body;
    this.#res.on('drain', () => body.resume());
    body.start(this);
    if (this.#bytesOut === 0 && !this.#ended) this.#res.flushHeaders();
  }

  write(chunk: Uint8Array): boolean {
    this.#bytesOut += chunk.length;
    return this.#res.write(chunk);
  }

  end(trailers: HeaderList): void {
    this.#ended = true;
    if (trailers.length > 0 && this.#req.httpVersionMinor !== 0) this.#res.addTrailers(pairs(trailers));
    this.#res.end();
  }

  /** RFC 9112 §8: an answer that breaks off ends the connection, so that nobody takes it for complete. */
  fail(): void {
    this.#res.destroy();
  }

  get bytesOut(): number {
    return this.#bytesOut;
  }

  /** @see fail */
  cut(): void {
    this.#res.destroy();
  }

  #writeHead({ status, headers, body }: Answered): void {
    const fields = [...headers];
    if (!isSource(body) && needsLength(status, this.#req.method) && !has(headers, 'content-length')) {
      fields.push('content-length', String(body?.length ?? 0));
    }
    if (bodyIsUnread(this.#req)) this.#refuseRest(fields);
    this.#res.writeHead(status, fields);
  }

  /** The request's body has no reader any more: the connection cannot carry another request. */
  #refuseRest(fields: string[]): void {
    fields.push('connection', 'close');
    let unread = 0;
    const { socket } = this.#req;
    this.#req.on('data', (chunk: Buffer) => {
      unread += chunk.length;
      if (unread > MAX_UNREAD_BYTES) socket.destroy();
    });
    const linger = setTimeout(() => socket.destroy(), MAX_LINGER_MS);
    linger.unref();
    socket.once('close', () => clearTimeout(linger));
  }

  readonly #onClose = (): void => {
    this.#closed = true;
    const complete = this.#ended && this.#res.writableFinished;
    if (!complete) {
      this.#source?.cancel();
      for (const listener of this.#abortListeners) listener();
    }
    this.#report();
  };

  #report(): void {
    const done = this.#done;
    if (done === undefined || !this.#closed) return;
    this.#done = undefined;
    const aborted = !this.#ended || !this.#res.writableFinished;
    done({ status: this.#res.statusCode, bytesOut: this.#bytesOut, aborted });
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

function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name);
}

function pairs(flat: HeaderList): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < flat.length; i += 2) result.push([flat[i] ?? '', flat[i + 1] ?? '']);
  return result;
}
