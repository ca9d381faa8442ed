import { connect, type TLSSocket } from 'node:tls';
import { type Fields, fieldOf, parseFields, takeChunked } from './echo-upstream.ts';

export interface Door {
  readonly port: number;
  /** PEM of the CA. */
  readonly ca: string;
  /** Server name of those who name none; default `localhost`. */
  readonly serverName?: string;
  /** Certificate that the client shows when it is asked. */
  readonly client?: { readonly cert: string; readonly key: string };
}

export interface RawTlsOptions {
  readonly alpn?: string;
  readonly serverName?: string;
}

/** A TLS connection on which every byte is the test's own; what was received is kept as latin1. */
export interface RawTls {
  readonly socket: TLSSocket;
  readonly closed: boolean;
  received: string;
  write(bytes: string | Buffer): void;
  /** Waits until the condition holds, the connection closed, or the bound in milliseconds is over. @returns whether it holds */
  until(condition: () => boolean, boundMs?: number): Promise<boolean>;
  close(): void;
}

/** Opens a connection; rejects when the handshake fails. */
export function openTls(door: Door, options: RawTlsOptions = {}): Promise<RawTls> {
  const { port, ca, client = {} } = door;
  const { alpn = 'http/1.1', serverName = door.serverName ?? 'localhost' } = options;
  return new Promise((resolve, reject) => {
    const socket = connect({
      host: '127.0.0.1',
      port,
      ca,
      servername: serverName,
      ALPNProtocols: [alpn],
      ...client,
    });
    const waiting = new Set<() => void>();
    const wake = (): void => {
      for (const one of waiting) one();
    };
    let closed = false;
    const raw: RawTls = {
      socket,
      get closed() {
        return closed;
      },
      received: '',
      write: (bytes) => void socket.write(bytes, 'latin1'),
      async until(condition, boundMs = 5_000) {
        const end = performance.now() + boundMs;
        while (!condition() && !closed && performance.now() < end) {
          const left = Math.max(1, end - performance.now());
          await new Promise<void>((resume) => {
            const done = (): void => {
              clearTimeout(timer);
              waiting.delete(done);
              resume();
            };
            const timer = setTimeout(done, left);
            waiting.add(done);
          });
        }
        return condition();
      },
      close: () => void socket.destroy(),
    };
    socket.setNoDelay(true);
    socket.on('data', (chunk) => {
      raw.received += chunk.toString('latin1');
      wake();
    });
    socket.on('error', reject);
    socket.on('close', () => {
      closed = true;
      wake();
      reject(new Error('closed during the handshake'));
    });
    socket.once('secureConnect', () => resolve(raw));
  });
}

/** An HTTP/1.1 answer. */
export interface RawAnswer {
  readonly status: number;
  readonly fields: Fields;
  readonly body: string;
}

/**
 * Takes one answer from the front of what was received.
 *
 * @param closed - nothing more will come: an answer without length is complete then
 * @returns `undefined` while it is not complete
 */
export function takeAnswer(
  text: string,
  method: string,
  closed: boolean,
): { answer: RawAnswer; rest: string } | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [statusLine = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(statusLine.split(' ')[1]);
  const fields = parseFields(lines);
  const after = text.slice(end + 4);
  const whole = (body: string, rest: string) => ({ answer: { status, fields, body }, rest });
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return whole('', after);
  if (fieldOf(fields, 'transfer-encoding') === 'chunked') {
    const taken = takeChunked(after);
    return taken === undefined ? undefined : whole(taken.body, taken.rest);
  }
  const length = fieldOf(fields, 'content-length');
  if (length === undefined) return closed ? whole(after, '') : undefined;
  return after.length < Number(length)
    ? undefined
    : whole(after.slice(0, Number(length)), after.slice(Number(length)));
}

/** Gives every complete answer in what was received. */
export function answersIn(raw: RawTls, method = 'GET'): RawAnswer[] {
  const answers: RawAnswer[] = [];
  let text = raw.received;
  for (;;) {
    const taken = takeAnswer(text, method, raw.closed);
    if (taken === undefined) return answers;
    answers.push(taken.answer);
    text = taken.rest;
  }
}
