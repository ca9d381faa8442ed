import { constants, type OutgoingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';
import type { Answered, HeaderList } from '../exchange.ts';
import { type ByteSink, type ByteSource, isSource } from '../lib/byte-source.ts';
import { release } from '../lib/release.ts';
import type { Delivered, Responder } from './responder.ts';
import type { Silence } from './silence.ts';
import { StallTimer } from './stall-timer.ts';
import { Tunnel } from './tunnel.ts';

/** Answers one HTTP/2 stream (RFC 9113). */
export class Http2Responder implements Responder, ByteSink {
  readonly #stream: ServerHttp2Stream;
  readonly #method: string;
  readonly #streamIdleMs: () => number;
  readonly #abortListeners: (() => void)[] = [];
  #source: ByteSource | undefined;
  #tunnel: Tunnel | undefined;
  #done: ((delivered: Delivered) => void) | undefined;
  #status = 0;
  #bytesOut = 0;
  #ended = false;
  #closed = false;
  #trailers: HeaderList = [];
  readonly #stall: StallTimer;

  constructor(stream: ServerHttp2Stream, method: string, silence: Silence) {
    this.#stream = stream;
    this.#method = method;
    this.#streamIdleMs = silence.streamIdleMs;
    this.#stall = new StallTimer(silence.stallMs, () => stream.close(constants.NGHTTP2_CANCEL));
    stream.once('close', this.#onClose);
    // A reset of the client is not a failure of ours; `close` follows and tells.
    stream.on('error', () => {});
  }

  readonly interim = (status: number, headers: HeaderList): void => {
    if (this.#stream.headersSent || this.#gone()) return;
    // 100 and 101 are between us and each side alone.
    if (status > 101) this.#stream.additionalHeaders(headerObject(status, headers));
  };

  /** Asks for the body of a client that waits to be asked (RFC 9110 §10.1.1). */
  askForBody(): void {
    if (!this.#stream.headersSent && !this.#gone()) this.#stream.additionalHeaders({ ':status': 100 });
  }

  readonly onAbort = (listener: () => void): void => {
    if (this.#closed) listener();
    else this.#abortListeners.push(listener);
  };

  answer(answered: Answered, done: (delivered: Delivered) => void): void {
    this.#done = done;
    this.#status = answered.status;
    const { body } = answered;
    if (this.#gone()) {
      release(answered);
      this.#report();
      return;
    }
    if (answered.tunnel !== undefined) {
      this.#answerTunnel(answered.headers, answered.tunnel);
      return;
    }
    // RFC 9113 §8.1: a client that still sends is told to stop once it has its answer.
    if (!this.#stream.endAfterHeaders) this.#stream.once('finish', this.#stopRequest);
    const head = headerObject(answered.status, answered.headers);
    if (!isSource(body)) this.#answerWhole(head, body);
    else this.#answerStreaming(head, body);
  }

  /** RFC 8441 §5: over HTTP/2 a WebSocket opens with 200, and there is no key to confirm. */
  #answerTunnel(headers: HeaderList, tunnel: Duplex): void {
    this.#status = 200;
    const head = headerObject(200, headers);
    delete head['sec-websocket-accept'];
    this.#stream.respond(head);
    this.#tunnel = new Tunnel(this.#stream, tunnel, this.#streamIdleMs(), ({ bytesOut }) => {
      this.#bytesOut = bytesOut;
      this.#ended = true;
      this.#report();
    });
  }

  #answerWhole(head: OutgoingHttpHeaders, body: Uint8Array | null): void {
    this.#ended = true;
    const empty = body === null || body.length === 0;
    if (this.#method !== 'HEAD' && this.#status !== 204 && this.#status !== 304) {
      head['content-length'] ??= String(body?.length ?? 0);
    }
    this.#stream.respond(head, { endStream: empty });
    if (empty) return;
    this.#bytesOut = body.length;
    this.#stream.end(body);
    this.#stall.arm();
  }

  #answerStreaming(head: OutgoingHttpHeaders, body: ByteSource): void {
    this.#source = body;
    this.#stream.respond(head, { waitForTrailers: true });
    this.#stream.once('wantTrailers', () => this.#stream.sendTrailers(fieldObject(this.#trailers)));
    this.#stream.on('drain', () => {
      this.#stall.clear();
      body.resume();
    });
    body.start(this);
  }

  write(chunk: Uint8Array): boolean {
    this.#bytesOut += chunk.length;
    const more = this.#stream.write(chunk);
    if (!more) this.#stall.arm();
    return more;
  }

  end(trailers: HeaderList): void {
    this.#ended = true;
    this.#trailers = trailers;
    this.#stream.end();
    this.#stall.arm();
  }

  /** RFC 9113 §8.1: an answer that breaks off is reset, so that nobody takes it for complete. */
  fail(): void {
    this.#stream.close(constants.NGHTTP2_INTERNAL_ERROR);
  }

  get bytesIn(): number {
    return this.#tunnel?.bytesIn ?? 0;
  }

  get bytesOut(): number {
    return this.#tunnel?.bytesOut ?? this.#bytesOut;
  }

  cut(reason: string): void {
    if (this.#tunnel === undefined) this.#stream.close(constants.NGHTTP2_CANCEL);
    else this.#tunnel.cut(reason);
  }

  #gone(): boolean {
    return this.#closed || this.#stream.closed || this.#stream.destroyed;
  }

  readonly #stopRequest = (): void => {
    if (!this.#stream.readableEnded) this.#stream.close(constants.NGHTTP2_NO_ERROR);
  };

  readonly #onClose = (): void => {
    this.#closed = true;
    this.#stall.clear();
    if (!this.#complete()) {
      this.#source?.cancel();
      for (const listener of this.#abortListeners) listener();
    }
    this.#report();
  };

  #complete(): boolean {
    return this.#ended && this.#stream.rstCode === constants.NGHTTP2_NO_ERROR;
  }

  #report(): void {
    const done = this.#done;
    if (done === undefined || !this.#closed) return;
    this.#done = undefined;
    done({ status: this.#status, bytesOut: this.#bytesOut, aborted: !this.#complete() });
  }
}

function headerObject(status: number, headers: HeaderList): OutgoingHttpHeaders {
  const head = fieldObject(headers);
  head[':status'] = status;
  return head;
}

/** Fields of one name become a list; `Set-Cookie` keeps its lines apart that way (RFC 9110 §5.3). */
function fieldObject(headers: HeaderList): OutgoingHttpHeaders {
  const fields: OutgoingHttpHeaders = Object.create(null);
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    const before = fields[name];
    if (before === undefined) fields[name] = value;
    else if (Array.isArray(before)) before.push(value);
    else fields[name] = [String(before), value];
  }
  return fields;
}
