import type { Socket } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { CoarseClock } from '../lib/coarse-clock.ts';
import { type BodyDecoder, bodyDecoder } from './body-decoder.ts';
import { RequestBodyWriter } from './request-body-writer.ts';
import { ResponseBody } from './response-body.ts';
import { badAnswer, isEventStream, parseResponseHead, type ResponseHead } from './response-head.ts';
import type { ExchangeEvents, OutgoingRequest } from './upstream-exchange.ts';

/** What the connection tells its pool. */
export interface ConnectionOwner {
  /** It can carry another request. */
  idle(connection: UpstreamConnection): void;
  /** It is gone, or left the pool as a tunnel. */
  gone(connection: UpstreamConnection): void;
}

interface Exchange {
  readonly request: OutgoingRequest;
  readonly events: ExchangeEvents;
  writer: RequestBodyWriter | undefined;
  sent: boolean;
  /** A byte of an answer came. */
  touched: boolean;
  answered: boolean;
  idleMs: number;
}

const HEAD_END = Buffer.from('\r\n\r\n');
const MAX_HEAD_BYTES = 64 * 1024;
const EMPTY = Buffer.alloc(0);

/**
 * One keep-alive HTTP/1.1 connection to an upstream: one exchange at a time, never pipelined.
 *
 * Security: bytes that nobody asked for, before or after an answer, end the connection, so that an answer can never
 * reach somebody else's request (RFC 9112 §9.2, §11.2).
 */
export class UpstreamConnection {
  readonly #socket: Socket;
  readonly #owner: ConnectionOwner;
  readonly #clock: CoarseClock;
  readonly #nameOf: (name: string) => string | undefined;
  /** Seconds that the upstream's last answer promised to keep the connection. */
  keepAliveSec: number | undefined;
  #exchange: Exchange | undefined;
  #received: Buffer = EMPTY;
  #head: ResponseHead | undefined;
  #decoder: BodyDecoder | undefined;
  #body: ResponseBody | undefined;
  #paused = false;
  #written = 0;
  #gone = false;
  #served = false;
  /** Coarse time at which silence has lasted too long. */
  #deadlineMs = Number.POSITIVE_INFINITY;

  constructor(
    socket: Socket,
    owner: ConnectionOwner,
    clock: CoarseClock,
    nameOf: (name: string) => string | undefined,
  ) {
    this.#socket = socket;
    this.#owner = owner;
    this.#clock = clock;
    this.#nameOf = nameOf;
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onError);
    socket.on('close', this.#onClose);
  }

  /** Sends a request; the connection must be idle. */
  send(request: OutgoingRequest, events: ExchangeEvents): void {
    const exchange: Exchange = {
      request,
      events,
      writer: undefined,
      sent: request.body === null,
      touched: false,
      answered: false,
      idleMs: request.idleMs,
    };
    this.#exchange = exchange;
    this.#wait(request.firstByteMs);
    this.#socket.write(request.head, 'latin1');
    if (request.body === null) return;
    exchange.writer = new RequestBodyWriter(this.#socket, request.body, request.chunked, (error) => {
      exchange.sent = true;
      if (error === undefined) this.#wait(request.firstByteMs);
      else this.#fail(clientFailure(error));
    });
    exchange.writer.start();
  }

  /** Ends the connection if it has been silent for too long; called on every tick of the clock. */
  checkDeadline(): void {
    if (this.#clock.nowMs <= this.#deadlineMs || this.#paused || this.#uploadMoved()) return;
    if (this.#exchange === undefined) this.destroy();
    else this.#fail(new GatewayError('SP_FORWARD_TIMEOUT', { reason: this.#head ? 'idle' : 'first-byte' }));
  }

  /** An upload may take long as long as the upstream takes bytes, or has taken all that the client sent. */
  #uploadMoved(): boolean {
    if (this.#exchange === undefined || this.#exchange.sent) return false;
    const waiting = this.#socket.writableLength;
    const written = this.#socket.bytesWritten - waiting;
    if (written === this.#written && waiting > 0) return false;
    this.#written = written;
    this.#wait(this.#exchange.request.firstByteMs);
    return true;
  }

  /** Keeps the idle connection for that long, milliseconds. */
  restFor(ms: number): void {
    this.#wait(ms);
  }

  /** Ends the connection and whatever it carries. */
  destroy(): void {
    this.#socket.destroy();
    this.#leave();
  }

  /** Gives up on the present exchange without telling it: nobody waits any more. */
  abandon(): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    exchange?.writer?.cancel();
    this.destroy();
  }

  #wait(ms: number): void {
    this.#deadlineMs = ms === 0 ? Number.POSITIVE_INFINITY : this.#clock.nowMs + this.#clock.tickMs + ms;
  }

  readonly #onData = (chunk: Buffer): void => {
    const exchange = this.#exchange;
    if (exchange === undefined) {
      this.destroy();
      return;
    }
    exchange.touched = true;
    if (this.#head !== undefined) this.#wait(exchange.idleMs);
    try {
      if (this.#decoder !== undefined) this.#readBody(chunk);
      else this.#readHead(exchange, chunk);
    } catch (error) {
      this.#fail(error instanceof GatewayError ? error : badAnswer('unforeseen'));
    }
  };

  #readHead(exchange: Exchange, chunk: Buffer): void {
    let bytes = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    for (;;) {
      const end = bytes.indexOf(HEAD_END);
      if (end === -1 ? bytes.length > MAX_HEAD_BYTES : end > MAX_HEAD_BYTES)
        throw badAnswer('head-too-large');
      if (end === -1) {
        this.#received = bytes;
        return;
      }
      const head = parseResponseHead(bytes.toString('latin1', 0, end), exchange.request.method, this.#nameOf);
      bytes = bytes.subarray(end + 4);
      if (head.status >= 200 || head.status === 101) {
        this.#received = EMPTY;
        this.#takeHead(exchange, head, bytes);
        return;
      }
      exchange.events.interim(head.status, head.headers);
    }
  }

  #takeHead(exchange: Exchange, head: ResponseHead, rest: Buffer): void {
    if (head.status === 101) {
      this.#handOver(exchange, head, rest);
      return;
    }
    this.#head = head;
    if (head.framing.kind === 'none') {
      this.#complete(exchange, null, rest.length > 0);
      return;
    }
    const decoder = bodyDecoder(head.framing);
    const first = decoder.decode(rest);
    if (first.done && first.trailers.length === 0) {
      const whole = first.chunks.length === 1 ? first.chunks[0] : undefined;
      this.#complete(exchange, whole ?? Buffer.concat(first.chunks), first.rest.length > 0);
      return;
    }
    if (isEventStream(head.headers)) exchange.idleMs = exchange.request.streamIdleMs;
    this.#wait(exchange.idleMs);
    this.#decoder = decoder;
    this.#body = new ResponseBody(this.#bodyOrigin);
    exchange.answered = true;
    exchange.events.answered(head, this.#body);
    for (const piece of first.chunks) if (piece.length > 0) this.#body?.push(piece);
    if (first.done) this.#finishBody(first.trailers, first.rest.length > 0);
  }

  /** The whole answer came with its head. */
  #complete(exchange: Exchange, body: Uint8Array | null, poisoned: boolean): void {
    const head = this.#head;
    if (head === undefined) return;
    exchange.answered = true;
    // Released first, so that the next request of the same client finds this connection.
    if (poisoned) this.destroy();
    else this.#release();
    exchange.events.answered(head, body);
  }

  #readBody(chunk: Buffer): void {
    const decoded = this.#decoder?.decode(chunk);
    if (decoded === undefined) return;
    for (const piece of decoded.chunks) this.#body?.push(piece);
    if (decoded.done) this.#finishBody(decoded.trailers, decoded.rest.length > 0);
  }

  #finishBody(trailers: readonly string[], poisoned: boolean): void {
    const body = this.#body;
    this.#body = undefined;
    this.#decoder = undefined;
    if (poisoned) this.destroy();
    else this.#release();
    body?.finish(trailers);
  }

  /** Gives the connection back, or ends it when the request was not fully sent or the upstream wants to close. */
  #release(): void {
    const exchange = this.#exchange;
    const head = this.#head;
    if (exchange === undefined || head === undefined) return;
    this.#exchange = undefined;
    this.#head = undefined;
    // An answer may come before the request was sent to its end (RFC 9112 §9.3): the rest has no reader any more.
    if (!head.keepAlive || !exchange.sent || this.#gone) {
      exchange.writer?.cancel();
      this.destroy();
      return;
    }
    if (this.#paused) this.#bodyOrigin.resume();
    this.#deadlineMs = Number.POSITIVE_INFINITY;
    this.keepAliveSec = head.keepAliveSec;
    this.#served = true;
    this.#owner.idle(this);
  }

  #handOver(exchange: Exchange, head: ResponseHead, rest: Buffer): void {
    if (!exchange.request.upgrade || head.upgrade !== 'websocket') throw badAnswer('unasked-upgrade');
    this.#exchange = undefined;
    this.#socket.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError);
    this.#socket.off('close', this.#onClose);
    this.#socket.pause();
    if (rest.length > 0) this.#socket.unshift(rest);
    this.#leave();
    exchange.events.upgraded(head, this.#socket);
  }

  readonly #bodyOrigin = {
    pause: (): void => {
      this.#paused = true;
      this.#socket.pause();
    },
    resume: (): void => {
      if (!this.#paused) return;
      this.#paused = false;
      if (this.#exchange !== undefined) this.#wait(this.#exchange.idleMs);
      this.#socket.resume();
    },
    abandon: (): void => this.abandon(),
  };

  readonly #onEnd = (): void => {
    if (this.#decoder?.finish() === true) this.#finishBody([], true);
    else this.#fail(badAnswer(this.#exchange?.touched === true ? 'cut-off' : 'closed-early'));
  };

  readonly #onError = (error: Error): void => {
    const reason = 'code' in error && typeof error.code === 'string' ? error.code.toLowerCase() : 'socket';
    this.#fail(new GatewayError('SP_FORWARD_UNREACHABLE', { reason: `broken-${reason}`, cause: error }));
  };

  readonly #onClose = (): void => {
    this.#fail(badAnswer(this.#exchange?.touched === true ? 'cut-off' : 'closed-early'));
    this.#leave();
  };

  #fail(error: GatewayError): void {
    const exchange = this.#exchange;
    this.#exchange = undefined;
    this.destroy();
    if (exchange === undefined) return;
    exchange.writer?.cancel();
    if (exchange.answered) this.#body?.fail(error);
    else
      exchange.events.failed(error, {
        untouched: !exchange.touched,
        stale: !exchange.touched && this.#served,
      });
  }

  #leave(): void {
    if (this.#gone) return;
    this.#gone = true;
    this.#owner.gone(this);
  }
}

function clientFailure(error: Error): GatewayError {
  if (error instanceof GatewayError) return error;
  return new GatewayError('SP_FORWARD_CLIENT_GONE', { reason: 'client-body', cause: error });
}
