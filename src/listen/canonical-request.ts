import { GatewayError } from '../errors.ts';
import type { CanonicalRequest } from '../exchange.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import { type HostAndPort, parseAuthority } from '../lib/canonical-host.ts';
import { headerNames } from '../lib/header-name.ts';
import { canonicalTarget } from './canonical-target.ts';
import type { RawRequest } from './raw-request.ts';

/** Bounds on what a request may look like; 0 for no bound. */
export interface RequestBounds {
  readonly urlBytes: number;
  readonly headerCount: number;
  /** All names and values together; HTTP/1.1 is held to it by its parser already. */
  readonly headerBytes: number;
}

interface Collected {
  readonly headers: string[];
  host: string | undefined;
  authorization: string | undefined;
  cookie: string | undefined;
  contentLength: string | undefined;
}

/** Methods are case-sensitive (RFC 9110 §9.1), but some upstreams fold them: only the spelling that policy compares passes. */
const METHOD = /^[A-Z][A-Z-]{0,31}$/;

/**
 * Gives a function that reads a raw request into its one spelling, or throws what is wrong with it.
 *
 * The function throws SP_LISTEN_BAD_HOST, SP_LISTEN_BAD_PATH, SP_LISTEN_BAD_HEADER, SP_LISTEN_METHOD_REFUSED,
 * SP_LISTEN_BAD_REQUEST, SP_LISTEN_URL_TOO_LONG, SP_LISTEN_HEADERS_TOO_LARGE, SP_AUTHENTICATE_AMBIGUOUS.
 *
 * @see RFC 9112 §3.2, RFC 9113 §8.3.1
 */
export function makeCanonicalRequest(bounds: RequestBounds): (raw: RawRequest) => CanonicalRequest {
  const nameOf = headerNames(true);
  const authorities = new BoundedMap<string, HostAndPort>(4096);

  return (raw) => {
    if (!METHOD.test(raw.method)) throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'method' });
    // TRACE would show the credential to whoever made the request; CONNECT asks for another kind of proxy.
    if (raw.method === 'TRACE' || raw.method === 'CONNECT') {
      throw new GatewayError('SP_LISTEN_METHOD_REFUSED', { reason: 'method-refused' });
    }
    if (bounds.urlBytes > 0 && raw.target.length > bounds.urlBytes) {
      throw new GatewayError('SP_LISTEN_URL_TOO_LONG', { reason: 'url-too-long' });
    }
    if (bounds.headerCount > 0 && raw.fields.length > bounds.headerCount * 2) {
      throw new GatewayError('SP_LISTEN_HEADERS_TOO_LARGE', { reason: 'header-count' });
    }
    if (bounds.headerBytes > 0 && bytesOf(raw.fields) > bounds.headerBytes) {
      throw new GatewayError('SP_LISTEN_HEADERS_TOO_LARGE', { reason: 'header-bytes' });
    }
    const collected = collect(raw.fields, nameOf);
    const authority = authorityOf(raw.authority, collected.host);
    let known = authorities.get(authority);
    if (known === undefined) {
      known = parseAuthority(authority);
      if (known === undefined) throw new GatewayError('SP_LISTEN_BAD_HOST', { reason: 'host-malformed' });
      authorities.set(authority, known);
    }
    const target = canonicalTarget(raw.target);
    if ('fault' in target) throw new GatewayError('SP_LISTEN_BAD_PATH', { reason: target.fault });
    return {
      method: raw.method,
      host: known.host,
      authority: known.port === undefined ? known.host : `${known.host}:${known.port}`,
      path: target.path,
      query: target.query,
      headers: collected.headers,
      authorization: collected.authorization,
      cookie: collected.cookie,
      upgrade: raw.upgrade,
      contentLength: lengthOf(collected.contentLength),
    };
  };
}

function bytesOf(fields: readonly string[]): number {
  let bytes = 0;
  for (const text of fields) bytes += text.length + 2;
  return bytes;
}

function collect(fields: readonly string[], nameOf: (name: string) => string | undefined): Collected {
  const collected: Collected = {
    headers: [],
    host: undefined,
    authorization: undefined,
    cookie: undefined,
    contentLength: undefined,
  };
  for (let i = 0; i < fields.length; i += 2) {
    const name = nameOf(fields[i] ?? '');
    const value = fields[i + 1] ?? '';
    if (name === undefined) throw new GatewayError('SP_LISTEN_BAD_HEADER', { reason: 'header-name' });
    switch (name) {
      case 'host':
        if (collected.host !== undefined)
          throw new GatewayError('SP_LISTEN_BAD_HOST', { reason: 'host-twice' });
        collected.host = value;
        break;
      case 'cookie':
        // RFC 9113 §8.2.3: HTTP/2 clients may split the field.
        collected.cookie = collected.cookie === undefined ? value : `${collected.cookie}; ${value}`;
        break;
      case 'authorization':
        if (collected.authorization !== undefined) {
          throw new GatewayError('SP_AUTHENTICATE_AMBIGUOUS', { reason: 'authorization-twice' });
        }
        collected.authorization = value;
        collected.headers.push(name, value);
        break;
      case 'content-length':
        if (collected.contentLength !== undefined && collected.contentLength !== value) {
          throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'content-length-twice' });
        }
        collected.contentLength = value;
        break;
      case 'transfer-encoding':
        // It says where the body ends, and nothing else: another coding would be lost on the way (RFC 9112 §6.1).
        if (value.toLowerCase() !== 'chunked') {
          throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'transfer-encoding' });
        }
        break;
      default:
        collected.headers.push(name, value);
    }
  }
  if (collected.cookie !== undefined) collected.headers.push('cookie', collected.cookie);
  return collected;
}

function authorityOf(authority: string | undefined, host: string | undefined): string {
  if (authority !== undefined && host !== undefined && authority.toLowerCase() !== host.toLowerCase()) {
    throw new GatewayError('SP_LISTEN_BAD_HOST', { reason: 'authority-and-host-differ' });
  }
  const chosen = authority ?? host;
  if (chosen === undefined) throw new GatewayError('SP_LISTEN_BAD_HOST', { reason: 'host-missing' });
  return chosen;
}

function lengthOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^[0-9]{1,15}$/.test(value)) {
    throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'content-length' });
  }
  return Number(value);
}
