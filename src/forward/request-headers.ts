import { randomBytes } from 'node:crypto';
import type { Admitted, CanonicalRequest, HeaderList } from '../exchange.ts';
import { headerTokens } from '../lib/header-tokens.ts';
import { certificateFields, identityFields } from './identity-fields.ts';
import { isOwnCookie } from './own-cookie.ts';
import { strippedPrefix, upstreamPath } from './upstream-path.ts';

/** What the header rules need to know beside the request itself. */
export interface HeaderRules {
  /** Fields that never travel on, by lower-case name. */
  readonly reserved: (name: string) => boolean;
  /** Name of the session cookie, which stays here with its companions. */
  readonly sessionCookie: string;
  /** Signs the assertion for the path as the upstream gets it; `undefined` when there is no identity or no key yet. */
  readonly assertion: (admitted: Admitted, path: string) => string | undefined;
}

/**
 * Gives the fields that travel on to the upstream, without `Host` and framing.
 *
 * @returns a new flat list, names lower-case: the client's fields without hop-by-hop and reserved ones and without the
 * credential that was used here, then the gateway's own
 * @see RFC 9110 §7.6.1 (hop-by-hop), RFC 7239 (Forwarded)
 *
 * Security: reserved fields of the client are dropped before ours are added, and `Connection` cannot name ours away.
 */
export function requestHeaders(admitted: Admitted, rules: HeaderRules): string[] {
  const { request } = admitted.arrived;
  const out: string[] = [];
  const named = connectionOptions(request.headers);
  const consumed = consumedField(admitted);
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = request.headers[i] ?? '';
    const value = request.headers[i + 1] ?? '';
    if (rules.reserved(name) || name === consumed || named?.includes(name) === true) continue;
    if (name === 'cookie' && !admitted.route.config.passCredential) {
      const kept = withoutCookie(value, rules.sessionCookie);
      if (kept !== '') out.push(name, kept);
    } else {
      out.push(name, value);
    }
  }
  addForwarding(out, admitted);
  const prefix = strippedPrefix(admitted);
  if (prefix !== undefined) out.push('x-forwarded-prefix', prefix);
  if (admitted.identity !== null) out.push(...identityFields(admitted.identity));
  out.push(...certificateFields(admitted.certificate));
  const assertion = rules.assertion(admitted, upstreamPath(admitted));
  if (assertion !== undefined) out.push('x-sallyport-assertion', assertion);
  if (request.upgrade !== undefined) addUpgrade(out, request);
  return out;
}

function connectionOptions(headers: HeaderList): string[] | undefined {
  let named: string[] | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] !== 'connection') continue;
    const value = headers[i + 1] ?? '';
    if (value === 'keep-alive' || value === 'close') continue;
    named = [...(named ?? []), ...headerTokens(value)];
  }
  return named;
}

/** Gives the name of the field that carried the credential, unless the route passes it on. */
function consumedField(admitted: Admitted): string | undefined {
  if (admitted.identity === null || admitted.route.config.passCredential) return undefined;
  switch (admitted.identity.method) {
    case 'token':
    case 'basic':
      return 'authorization';
    case 'apiKey':
      return admitted.arrived.request.authorization === undefined ? 'x-api-key' : 'authorization';
    default:
      return undefined;
  }
}

/** Gives a Cookie field without the session cookie and its companions (RFC 6265 §4.2.1). */
export function withoutCookie(value: string, sessionCookie: string): string {
  if (!value.includes(sessionCookie)) return value;
  return value
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !isOwnCookie(pair.slice(0, pair.indexOf('=')).trim(), sessionCookie))
    .join('; ');
}

function addForwarding(out: string[], { arrived }: Admitted): void {
  const { client, request } = arrived;
  const address = client.address.includes(':') ? `"[${client.address}]"` : client.address;
  const authority = request.authority.includes(':') ? `"${request.authority}"` : request.authority;
  out.push(
    'forwarded',
    `for=${address};host=${authority};proto=https`,
    'x-forwarded-for',
    client.address === client.peer ? client.address : `${client.address}, ${client.peer}`,
    'x-forwarded-proto',
    'https',
    'x-forwarded-host',
    request.authority,
    'x-forwarded-port',
    portOf(request.authority),
    'x-request-id',
    arrived.id,
  );
}

function portOf(authority: string): string {
  const match = /:([0-9]+)$/.exec(authority);
  return match?.[1] ?? '443';
}

function addUpgrade(out: string[], request: CanonicalRequest): void {
  out.push('connection', 'Upgrade', 'upgrade', 'websocket');
  let keyed = false;
  for (let i = 0; i < request.headers.length; i += 2) {
    const name = request.headers[i] ?? '';
    if (!name.startsWith('sec-websocket-')) continue;
    keyed ||= name === 'sec-websocket-key';
    out.push(name, request.headers[i + 1] ?? '');
  }
  // RFC 8441 §5: over HTTP/2 there is no key; the upstream speaks RFC 6455 and wants one.
  if (!keyed) out.push('sec-websocket-key', randomBytes(16).toString('base64'));
}
