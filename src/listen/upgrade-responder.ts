import { type IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Answered, HeaderList } from '../exchange.ts';
import { release } from '../lib/release.ts';
import { Http1Responder } from './http1-responder.ts';
import type { Delivered, Responder } from './responder.ts';
import type { Silence } from './silence.ts';
import { Tunnel } from './tunnel.ts';

/** Answers one HTTP/1.1 upgrade request: 101 joins the tunnel, anything else is an ordinary answer that ends the connection. */
export class UpgradeResponder implements Responder {
  readonly #socket: Socket;
  readonly #ordinary: Http1Responder;
  readonly #response: ServerResponse;
  readonly #streamIdleMs: () => number;
  #tunnel: Tunnel | undefined;

  /** @param head - bytes that the client sent right behind its request */
  constructor(req: IncomingMessage, socket: Socket, head: Buffer, silence: Silence) {
    this.#socket = socket;
    this.#streamIdleMs = silence.streamIdleMs;
    if (head.length > 0) socket.unshift(head);
    socket.on('error', () => socket.destroy());
    this.#response = new ServerResponse(req);
    this.#response.shouldKeepAlive = false;
    this.#ordinary = new Http1Responder(req, this.#response, silence.stallMs);
    socket.once('close', this.#onClose);
  }

  readonly interim = (): void => {};

  readonly onAbort = (listener: () => void): void => this.#ordinary.onAbort(listener);

  answer(answered: Answered, done: (delivered: Delivered) => void): void {
    if (this.#socket.destroyed) {
      release(answered);
      done({ status: answered.status, bytesOut: 0, aborted: true });
    } else if (answered.tunnel === undefined) {
      this.#answerOrdinary(answered, done);
    } else {
      this.#answerTunnel(answered.headers, answered.tunnel, done);
    }
  }

  #answerOrdinary(answered: Answered, done: (delivered: Delivered) => void): void {
    this.#response.assignSocket(this.#socket);
    this.#response.once('finish', () => this.#socket.end());
    this.#ordinary.answer(
      { ...answered, headers: [...answered.headers, 'connection', 'close'] },
      (delivered) => done(delivered),
    );
  }

  #answerTunnel(headers: HeaderList, tunnel: Duplex, done: (delivered: Delivered) => void): void {
    let head = 'HTTP/1.1 101 Switching Protocols\r\nconnection: Upgrade\r\nupgrade: websocket\r\n';
    for (let i = 0; i < headers.length; i += 2) head += `${headers[i]}: ${headers[i + 1]}\r\n`;
    this.#socket.off('close', this.#onClose);
    this.#socket.setNoDelay(true);
    this.#socket.write(`${head}\r\n`, 'latin1');
    this.#tunnel = new Tunnel(this.#socket, tunnel, this.#streamIdleMs(), ({ bytesOut }) =>
      done({ status: 101, bytesOut, aborted: false }),
    );
  }

  get bytesIn(): number {
    return this.#tunnel?.bytesIn ?? 0;
  }

  get bytesOut(): number {
    return this.#tunnel?.bytesOut ?? this.#ordinary.bytesOut;
  }

  cut(reason: string): void {
    if (this.#tunnel === undefined) this.#ordinary.cut();
    else this.#tunnel.cut(reason);
  }

  readonly #onClose = (): void => {
    this.#response.emit('close');
  };
}
