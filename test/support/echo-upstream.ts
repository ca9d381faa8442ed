import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export type Fields = readonly (readonly [string, string])[];

/** A request exactly as the upstream got it; texts are latin1. */
export interface Echo {
  readonly requestLine: string;
  readonly fields: Fields;
  readonly body: string;
  readonly trailers: Fields;
}

export interface EchoUpstream {
  readonly url: string;
  readonly port: number;
  /** Every request since the start, in order of arrival. */
  readonly seen: Echo[];
  close(): Promise<void>;
}

/** Starts an upstream that answers every request, and every WebSocket, with what it was sent as JSON. */
export async function startEchoUpstream(): Promise<EchoUpstream> {
  const seen: Echo[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let bytes = '';
    let upgraded = false;
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1');
      for (let taken = takeRequest(bytes); taken !== undefined && !upgraded; taken = takeRequest(bytes)) {
        bytes = taken.rest;
        seen.push(taken.echo);
        upgraded = fieldOf(taken.echo.fields, 'upgrade') === 'websocket';
        socket.write(upgraded ? switching(taken.echo) : answering(taken.echo), 'latin1');
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** Gives the value of the first field of a lower-case name. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  return fields.find(([one]) => one.toLowerCase() === name)?.[1];
}

/** Gives field lines as pairs; a line without colon becomes a name without value. */
export function parseFields(lines: readonly string[]): [string, string][] {
  return lines.map((line) => {
    const colon = line.indexOf(':');
    return colon === -1 ? [line, ''] : [line.slice(0, colon), line.slice(colon + 1).trim()];
  });
}

function takeRequest(bytes: string): { echo: Echo; rest: string } | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const [requestLine = '', ...lines] = bytes.slice(0, end).split('\r\n');
  const fields = parseFields(lines);
  const after = bytes.slice(end + 4);
  if (fieldOf(fields, 'transfer-encoding') !== undefined) {
    const chunked = takeChunked(after);
    if (chunked === undefined) return undefined;
    const { body, trailers, rest } = chunked;
    return { echo: { requestLine, fields, body, trailers }, rest };
  }
  const length = Number(fieldOf(fields, 'content-length') ?? 0);
  if (after.length < length) return undefined;
  return {
    echo: { requestLine, fields, body: after.slice(0, length), trailers: [] },
    rest: after.slice(length),
  };
}

/** Takes one chunked body from the front of a text; `undefined` while it is not complete. */
export function takeChunked(text: string): { body: string; trailers: Fields; rest: string } | undefined {
  let at = 0;
  let body = '';
  for (;;) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd === -1) return undefined;
    const size = Number.parseInt(text.slice(at, lineEnd), 16);
    if (Number.isNaN(size)) return undefined;
    at = lineEnd + 2;
    if (size === 0) break;
    if (text.length < at + size + 2) return undefined;
    body += text.slice(at, at + size);
    at += size + 2;
  }
  if (text.startsWith('\r\n', at)) return { body, trailers: [], rest: text.slice(at + 2) };
  const end = text.indexOf('\r\n\r\n', at);
  if (end === -1) return undefined;
  return { body, trailers: parseFields(text.slice(at, end).split('\r\n')), rest: text.slice(end + 4) };
}

function answering(echo: Echo): string {
  const json = JSON.stringify(echo);
  const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${json.length}\r\n\r\n`;
  return echo.requestLine.startsWith('HEAD ') ? head : head + json;
}

function switching(echo: Echo): string {
  const accept = createHash('sha1')
    .update(`${fieldOf(echo.fields, 'sec-websocket-key') ?? ''}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  return `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n${JSON.stringify(echo)}\n`;
}
