import { GatewayError } from '../errors.ts';
import { headerTokens } from '../lib/header-tokens.ts';
import { trimSpace } from '../lib/trim-space.ts';

/** How the body of an answer ends (RFC 9112 §6.3). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

/** The head of an upstream's answer, hop-by-hop fields already taken out. */
export interface ResponseHead {
  readonly status: number;
  /** End-to-end fields only, flat, names lower-case. */
  readonly headers: readonly string[];
  readonly framing: Framing;
  /** The connection may carry another request. */
  readonly keepAlive: boolean;
  /** Seconds that the upstream promises to keep the connection (Keep-Alive: timeout=). */
  readonly keepAliveSec: number | undefined;
  /** Protocol of a 101 answer, lower-case. */
  readonly upgrade: string | undefined;
}

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-5][0-9]{2})(?: [\t\x20-\x7e\x80-\xff]*)?$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the characters that RFC 9110 §5.5 forbids
const BAD_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;

interface Facts {
  contentLength: number | undefined;
  transferEncoding: string | undefined;
  connection: string[];
  keepAliveSec: number | undefined;
  upgrade: string | undefined;
}

/**
 * Gives the head of an upstream's answer, framing decided and hop-by-hop fields taken out.
 *
 * @param text - status line and fields as latin1, lines separated by CRLF, without the empty line
 * @param method - method of the request that it answers
 * @param nameOf - lower-case spelling of a field name, `undefined` when it is no token
 * @throws SP_FORWARD_BAD_ANSWER with a reason word on anything that two parsers could frame differently
 * @see RFC 9112 §4, §5, §6.3; RFC 9110 §7.6.1
 */
export function parseResponseHead(
  text: string,
  method: string,
  nameOf: (name: string) => string | undefined,
): ResponseHead {
  const firstEnd = text.indexOf('\r\n');
  const match = STATUS_LINE.exec(firstEnd === -1 ? text : text.slice(0, firstEnd));
  if (match === null) throw badAnswer('status-line');
  const status = Number(match[2]);
  const facts: Facts = {
    contentLength: undefined,
    transferEncoding: undefined,
    connection: [],
    keepAliveSec: undefined,
    upgrade: undefined,
  };
  const headers = firstEnd === -1 ? [] : readFields(text, firstEnd + 2, nameOf, facts);
  const framing = framingOf(status, method, facts, match[1] === '0');
  return {
    status,
    headers: endToEnd(headers, facts.connection, status),
    framing,
    keepAlive: keepsAlive(match[1] === '0', facts, framing),
    keepAliveSec: facts.keepAliveSec,
    upgrade: facts.upgrade,
  };
}

function readFields(
  text: string,
  start: number,
  nameOf: (name: string) => string | undefined,
  facts: Facts,
): string[] {
  const headers: string[] = [];
  let at = start;
  while (at < text.length) {
    let end = text.indexOf('\r\n', at);
    if (end === -1) end = text.length;
    const colon = text.indexOf(':', at);
    if (colon === -1 || colon > end) throw badAnswer('field-without-colon');
    const name = nameOf(text.slice(at, colon));
    if (name === undefined) throw badAnswer('field-name');
    const value = trimSpace(text.slice(colon + 1, end));
    if (BAD_VALUE.test(value)) throw badAnswer('field-value');
    if (!noteHopByHop(name, value, facts)) headers.push(name, value);
    at = end + 2;
  }
  return headers;
}

/** @returns whether the field ends here and does not travel on */
function noteHopByHop(name: string, value: string, facts: Facts): boolean {
  switch (name) {
    case 'content-length': {
      if (!/^[0-9]{1,15}$/.test(value)) throw badAnswer('content-length');
      const length = Number(value);
      if (facts.contentLength === length) return true;
      if (facts.contentLength !== undefined) throw badAnswer('content-length');
      facts.contentLength = length;
      return false;
    }
    case 'transfer-encoding':
      if (facts.transferEncoding !== undefined) throw badAnswer('transfer-encoding');
      facts.transferEncoding = value.toLowerCase();
      return true;
    case 'connection':
      facts.connection.push(...headerTokens(value));
      return true;
    case 'keep-alive': {
      const hint = /(?:^|[,\s])timeout=([0-9]{1,6})/i.exec(value);
      if (hint !== null) facts.keepAliveSec = Number(hint[1]);
      return true;
    }
    case 'upgrade':
      facts.upgrade = value.toLowerCase();
      return true;
    case 'proxy-connection':
    case 'http2-settings':
    case 'te':
      return true;
    default:
      return false;
  }
}

function framingOf(status: number, method: string, facts: Facts, http10: boolean): Framing {
  if (facts.transferEncoding !== undefined) {
    // RFC 9112 §6.3: both together is an attempt to smuggle or a broken server; §6.1: not in HTTP/1.0.
    if (facts.contentLength !== undefined || http10) throw badAnswer('transfer-encoding');
    if (facts.transferEncoding !== 'chunked') throw badAnswer('transfer-encoding');
  }
  if (status < 200 || status === 204 || status === 304 || method === 'HEAD') return { kind: 'none' };
  if (facts.transferEncoding !== undefined) return { kind: 'chunked' };
  if (facts.contentLength === undefined) return { kind: 'until-close' };
  return facts.contentLength === 0 ? { kind: 'none' } : { kind: 'length', bytes: facts.contentLength };
}

function keepsAlive(http10: boolean, facts: Facts, framing: Framing): boolean {
  if (framing.kind === 'until-close' || facts.connection.includes('close')) return false;
  return !http10 || facts.connection.includes('keep-alive');
}

/**
 * Takes out what `Connection` names (RFC 9110 §7.6.1), but never the length of the body; and from a 204 the length that
 * it must not have (§8.6).
 */
function endToEnd(headers: readonly string[], named: readonly string[], status: number): readonly string[] {
  if (named.length === 0 && status !== 204) return headers;
  const drop = named.filter((name) => name !== 'close' && name !== 'keep-alive' && name !== 'content-length');
  if (status === 204) drop.push('content-length');
  if (drop.length === 0) return headers;
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    if (!drop.includes(name)) kept.push(name, headers[i + 1] ?? '');
  }
  return kept;
}

/** Tells whether an answer is a stream of events, which says nothing as long as nothing happens. */
export function isEventStream(headers: readonly string[]): boolean {
  const at = headers.indexOf('content-type');
  return at !== -1 && headers[at + 1]?.toLowerCase().startsWith('text/event-stream') === true;
}

/** Gives the failure of an upstream that does not speak HTTP/1.1 as it must; `reason` is a word from a closed set. */
export function badAnswer(reason: string): GatewayError {
  return new GatewayError('SP_FORWARD_BAD_ANSWER', {
    reason,
    detail: `invalid answer of the upstream: ${reason}`,
  });
}
