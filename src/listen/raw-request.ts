import type { IncomingMessage } from 'node:http';
import type { IncomingHttpHeaders } from 'node:http2';
import { GatewayError } from '../errors.ts';

/** A request as its protocol gave it, before anything was decided about it. */
export interface RawRequest {
  readonly method: string;
  /** Request target or `:path`. */
  readonly target: string;
  /** `:authority`; `undefined` for HTTP/1.1. */
  readonly authority: string | undefined;
  /** `[name, value, ...]` as received, pseudo fields left out. */
  readonly fields: readonly string[];
  readonly upgrade: 'websocket' | undefined;
}

/** Head of an HTTP/2 request. */
export interface Incoming2 {
  readonly headers: IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  /** No body follows. */
  readonly ended: boolean;
}

/** Reads the head of an HTTP/1.1 request. @throws SP_LISTEN_BAD_REQUEST @see RFC 9112 §6.1 */
export function rawHttp1(req: IncomingMessage, upgrade: 'websocket' | undefined): RawRequest {
  // HTTP/1.0 has no codings: another reader of these bytes would find the end of the body elsewhere.
  if (req.httpVersionMinor === 0 && req.headers['transfer-encoding'] !== undefined) {
    throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'transfer-encoding' });
  }
  return {
    method: req.method ?? '',
    target: req.url ?? '',
    authority: undefined,
    fields: req.rawHeaders,
    upgrade,
  };
}

/** Reads the head of a request for a WebSocket over HTTP/1.1. @throws SP_LISTEN_BAD_REQUEST @see RFC 6455 §4.2.1 */
export function rawUpgrade(req: IncomingMessage): RawRequest {
  const { headers } = req;
  const fits =
    req.method === 'GET' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '');
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0;
  if (!fits || hasBody) throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'upgrade' });
  return rawHttp1(req, 'websocket');
}

/** Reads the head of an HTTP/2 request. @throws SP_LISTEN_BAD_REQUEST @see RFC 9113 §8.3.1, RFC 8441 §4 */
export function rawHttp2({ headers, rawHeaders }: Incoming2, method: string): RawRequest {
  const protocol = headers[':protocol'];
  if (headers[':scheme'] !== 'https') throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'scheme' });
  const upgrades =
    protocol === 'websocket' && method === 'CONNECT' && Number(headers['content-length'] ?? 0) === 0;
  if (protocol !== undefined && !upgrades) {
    throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'upgrade' });
  }
  let first = 0;
  while (rawHeaders[first]?.startsWith(':') === true) first += 2;
  return {
    method: protocol === undefined ? method : 'GET',
    target: headers[':path'] ?? '',
    authority: headers[':authority'],
    fields: rawHeaders.slice(first),
    upgrade: protocol === undefined ? undefined : 'websocket',
  };
}
