import type { Echo, Fields } from './echo-upstream.ts';
import { END_STREAM, FRAME, literals, openH2, type RawH2 } from './raw-h2.ts';
import { type Door, openTls, type RawTls, takeAnswer } from './raw-tls.ts';

/** A request that may be as wrong as it likes; nothing is normalised on its way to the gateway. */
export interface Ask {
  readonly method?: string;
  readonly target?: string;
  readonly host?: string;
  readonly fields?: Fields;
  readonly body?: string;
  readonly trailers?: Fields;
}

export interface Told {
  /** 0 when the connection or the stream ended without an answer. */
  readonly status: number;
  readonly text: string;
  /** Fields of the answer; over HTTP/1.1 only. */
  readonly fields?: Fields;
  /** What the upstream got, when it was reached. */
  readonly echo: Echo | undefined;
}

/** One of the ways by which a request comes in: every attack is tried on all of them. */
export interface Walk {
  readonly name: 'HTTP/1.1' | 'HTTP/2' | 'WebSocket' | 'WebSocket over HTTP/2';
  ask(ask: Ask): Promise<Told>;
  close(): void;
}

const REFUSED: Told = { status: 0, text: '', echo: undefined };

/** Gives all four ways, connected when they are first used. */
export function allWalks(door: Door): readonly Walk[] {
  return [walkHttp1(door), walkHttp2(door, false), walkUpgrade(door), walkHttp2(door, true)];
}

function walkHttp1(door: Door): Walk {
  let raw: RawTls | undefined;
  return {
    name: 'HTTP/1.1',
    async ask(ask) {
      if (raw === undefined || raw.closed) raw = await openTls(door);
      const one = raw;
      one.received = '';
      one.write(http1Text(ask));
      const method = ask.method ?? 'GET';
      await one.until(() => takeAnswer(one.received, method, one.closed) !== undefined);
      const taken = takeAnswer(one.received, method, one.closed);
      if (/^connection: close\r$/im.test(one.received)) {
        one.close();
        raw = undefined;
      }
      if (taken === undefined) return REFUSED;
      return { ...told(taken.answer.status, taken.answer.body), fields: taken.answer.fields };
    },
    close: () => raw?.close(),
  };
}

/** Gives a request as text, with the framing that its body needs. */
export function http1Text({ method = 'GET', target = '/', host, fields = [], body, trailers }: Ask): string {
  let text = `${method} ${target} HTTP/1.1\r\nHost: ${host ?? 'localhost'}\r\n`;
  for (const [name, value] of fields) text += `${name}: ${value}\r\n`;
  if (trailers !== undefined) {
    const size = (body ?? '').length;
    const chunk = size === 0 ? '' : `${size.toString(16)}\r\n${body}\r\n`;
    const tail = trailers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
    return `${text}Transfer-Encoding: chunked\r\n\r\n${chunk}0\r\n${tail}\r\n`;
  }
  return body === undefined ? `${text}\r\n` : `${text}Content-Length: ${body.length}\r\n\r\n${body}`;
}

/** The fields that make a request a WebSocket upgrade (RFC 6455 §4.1). */
export const UPGRADE: Fields = [
  ['Connection', 'Upgrade'],
  ['Upgrade', 'websocket'],
  ['Sec-WebSocket-Version', '13'],
  ['Sec-WebSocket-Key', 'dGhlIHNhbXBsZSBub25jZQ=='],
];

function walkUpgrade(door: Door): Walk {
  return {
    name: 'WebSocket',
    async ask(ask) {
      const raw = await openTls(door);
      raw.write(http1Text({ ...ask, method: 'GET', fields: [...UPGRADE, ...(ask.fields ?? [])] }));
      const opened = (): string | undefined =>
        /^HTTP\/1\.1 101 [\s\S]*?\r\n\r\n([^\n]*)\n/.exec(raw.received)?.[1];
      const refused = (): boolean => (takeAnswer(raw.received, 'GET', false)?.answer.status ?? 0) >= 200;
      await raw.until(() => opened() !== undefined || refused());
      const line = opened();
      const taken = takeAnswer(raw.received, 'GET', true);
      raw.close();
      if (line !== undefined) return told(101, line);
      return taken === undefined ? REFUSED : told(taken.answer.status, taken.answer.body);
    },
    close: () => {},
  };
}

function walkHttp2(door: Door, upgrade: boolean): Walk {
  let h2: RawH2 | undefined;
  return {
    name: upgrade ? 'WebSocket over HTTP/2' : 'HTTP/2',
    async ask(ask) {
      if (h2 === undefined || h2.tls.closed || h2.goaway) h2 = await openH2(door);
      const one = h2;
      const stream = one.open(http2Fields(ask, upgrade), { end: !upgrade && !hasBody(ask) });
      if (!upgrade && hasBody(ask)) sendBody(one, stream, ask);
      const answer = one.answer(stream);
      const line = (): boolean => upgrade && answer.status === 200 && answer.body.includes('\n');
      await one.tls.until(() => answer.ended || answer.reset !== undefined || line());
      if (upgrade && !answer.ended) one.frame(FRAME.reset, 0, stream, Buffer.from([0, 0, 0, 8]));
      if (line()) return told(101, answer.body.slice(0, answer.body.indexOf('\n')));
      return answer.status === 0 ? REFUSED : told(answer.status, answer.body);
    },
    close: () => h2?.close(),
  };
}

function hasBody({ body, trailers }: Ask): boolean {
  return body !== undefined || trailers !== undefined;
}

function sendBody(h2: RawH2, stream: number, { body = '', trailers }: Ask): void {
  h2.frame(FRAME.data, trailers === undefined ? END_STREAM : 0, stream, Buffer.from(body, 'latin1'));
  if (trailers !== undefined) {
    h2.frame(FRAME.headers, END_STREAM | 0x4, stream, literals(trailers));
  }
}

/** Gives the pseudo fields and the fields as they are, `Host` as `:authority`. */
export function http2Fields(
  { method = 'GET', target = '/', host, fields = [] }: Ask,
  upgrade = false,
): Fields {
  return [
    [':method', upgrade ? 'CONNECT' : method],
    ...(upgrade ? ([[':protocol', 'websocket']] as const) : []),
    [':scheme', 'https'],
    [':path', target],
    [':authority', host ?? 'localhost'],
    ...(upgrade ? ([['sec-websocket-version', '13']] as const) : []),
    ...fields,
  ];
}

function told(status: number, text: string): Told {
  const reached = text.startsWith('{"requestLine":');
  return { status, text, echo: reached ? JSON.parse(text) : undefined };
}
