import type { IncomingMessage } from 'node:http';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  type OutgoingHttpHeaders,
} from 'node:http2';
import { request } from 'node:https';
import type { Writable } from 'node:stream';

type House = { readonly port: number; readonly ca: string };
type Pairs = readonly (readonly [string, string])[];

export interface Question {
  readonly method?: string;
  readonly path?: string;
  readonly host?: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: string | Buffer;
  readonly trailers?: Readonly<Record<string, string>>;
}

export interface Head {
  readonly status: number;
  /** As on the wire, names lower-case, order and duplicates kept, without pseudo fields. */
  readonly fields: Pairs;
  /** First value of a field. */
  field(name: string): string | undefined;
}

export interface Told extends Head {
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: Pairs;
  readonly interim: readonly Head[];
}

/** One exchange under way. */
export interface Call {
  readonly head: Promise<Head>;
  /** The request's body. */
  readonly up: Writable;
  /** The answer's body, read as slowly as it is asked for; throws when it breaks off. */
  readonly down: AsyncIterable<Buffer>;
  readonly interim: Head[];
  readonly trailers: () => Pairs;
  /** Leaves: resets the stream, or the connection under HTTP/1.1. */
  leave(): void;
}

/** A kind of client: every rule holds for each of them. */
export interface Front {
  readonly name: 'HTTP/1.1' | 'HTTP/2';
  /** Sends a request, on a connection of its own, and waits for the whole answer; rejects when it breaks off. */
  ask(house: House, question?: Question): Promise<Told>;
  /** Begins a request whose body and answer stream. @param end - no body follows */
  open(house: House, question: Question, end?: boolean): Call;
}

export const FRONTS: readonly Front[] = [frontOf('HTTP/1.1', openHttp1), frontOf('HTTP/2', openHttp2)];

function frontOf(name: Front['name'], open: Front['open']): Front {
  return {
    name,
    open,
    async ask(house, question = {}) {
      const call = open(house, question, question.body === undefined && question.trailers === undefined);
      if (!call.up.writableEnded) call.up.end(question.body);
      call.up.on('error', () => {});
      const head = await call.head;
      const chunks: Buffer[] = [];
      for await (const chunk of call.down) chunks.push(chunk);
      const body = Buffer.concat(chunks);
      const { status, fields, field } = head;
      const { interim } = call;
      const told = { status, fields, field, body, text: body.toString(), interim, trailers: call.trailers() };
      return told;
    },
  };
}

function openHttp1(house: House, question: Question, end = false): Call {
  const { method = 'GET', path = '/', host = 'localhost', headers = {}, trailers } = question;
  const given: Record<string, string | string[]> = { host };
  for (const [name, value] of Object.entries(headers)) {
    given[name] = typeof value === 'string' ? value : [...value];
  }
  const { port, ca } = house;
  const call = request({
    host: '127.0.0.1',
    port,
    ca,
    servername: host.replace(/:\d+$/, ''),
    method,
    path,
    agent: false,
    headers: given,
    maxHeaderSize: 128 * 1024,
  });
  const interim: Head[] = [];
  call.on('information', (told) => interim.push(headOf(told.statusCode, told.rawHeaders)));
  call.on('error', () => {});
  let raw: readonly string[] = [];
  const down = new Promise<IncomingMessage>((resolve, reject) => {
    call.once('error', reject);
    call.once('response', (answer) => {
      answer.on('error', () => {});
      answer.once('end', () => {
        raw = answer.rawTrailers;
      });
      resolve(answer);
    });
  });
  const head = down.then((answer) => headOf(answer.statusCode ?? 0, answer.rawHeaders));
  head.catch(() => {});
  if (trailers !== undefined) call.addTrailers(trailers);
  if (end) call.end();
  else call.flushHeaders();
  return {
    head,
    up: call,
    down: bodyOf(down),
    interim,
    trailers: () => pairsOf(raw),
    leave: () => call.destroy(),
  };
}

/** Opens an HTTP/2 session whose server certificate is checked. */
export function openSession({ port, ca }: House, serverName = 'localhost'): ClientHttp2Session {
  const session = connect(`https://127.0.0.1:${port}`, { ca, servername: serverName });
  session.on('error', () => {});
  return session;
}

function openHttp2(house: House, question: Question, end = false): Call {
  const { host = 'localhost' } = question;
  const session = openSession(house, host.replace(/:\d+$/, ''));
  const call = openStream(session, question, end);
  call.stream.once('close', () => session.close());
  return call;
}

/** Begins a request on an open session. */
export function openStream(
  session: ClientHttp2Session,
  question: Question,
  end = false,
): Call & { readonly stream: ClientHttp2Stream } {
  const { method = 'GET', path = '/', host = 'localhost', headers = {}, trailers } = question;
  const fields: OutgoingHttpHeaders = { ':method': method, ':path': path, ':authority': host };
  for (const [name, value] of Object.entries(headers)) {
    fields[name] = typeof value === 'string' ? value : [...value];
  }
  const stream = session.request(fields, { endStream: end, waitForTrailers: trailers !== undefined });
  if (trailers !== undefined) stream.once('wantTrailers', () => stream.sendTrailers(trailers));
  const interim: Head[] = [];
  stream.on('headers', (_fields, _flags, raw: string[]) => interim.push(headOf2(raw)));
  let told: readonly string[] = [];
  stream.on('trailers', (_fields, _flags, raw: string[]) => {
    told = raw;
  });
  const head = new Promise<Head>((resolve, reject) => {
    stream.once('response', (_fields, _flags, raw: string[]) => resolve(headOf2(raw)));
    stream.once('error', reject);
    stream.once('close', () => reject(new Error(`closed without an answer: ${stream.rstCode}`)));
  });
  head.catch(() => {});
  stream.on('error', () => {});
  return {
    head,
    up: stream,
    down: bodyOf2(head, stream),
    interim,
    trailers: () => pairsOf(told),
    leave: () => stream.close(8),
    stream,
  };
}

async function* bodyOf(answer: Promise<IncomingMessage>): AsyncGenerator<Buffer> {
  for await (const chunk of await answer) yield chunk;
}

/** Node ends the body of a stream that was reset as if it were complete; a reader who looks at the code knows better. */
async function* bodyOf2(head: Promise<Head>, stream: ClientHttp2Stream): AsyncGenerator<Buffer> {
  await head;
  for await (const chunk of stream) yield chunk;
  if (stream.rstCode !== 0) throw new Error(`reset: ${stream.rstCode}`);
}

function headOf2(raw: readonly string[]): Head {
  const at = raw.indexOf(':status');
  return headOf(Number(raw[at + 1]), raw);
}

function headOf(status: number, raw: readonly string[]): Head {
  const fields = pairsOf(raw).filter(([name]) => !name.startsWith(':'));
  return { status, fields, field: (name) => fields.find(([one]) => one === name)?.[1] };
}

function pairsOf(raw: readonly string[]): Pairs {
  const pairs: [string, string][] = [];
  for (let i = 0; i < raw.length; i += 2) pairs.push([(raw[i] ?? '').toLowerCase(), raw[i + 1] ?? '']);
  return pairs;
}
