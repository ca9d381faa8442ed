import { isIPv6 } from 'node:net';

export interface HostAndPort {
  /** Lower-case, without trailing dot; an IPv6 address in brackets. */
  readonly host: string;
  readonly port: number | undefined;
}

const NAME =
  /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*$/;

/**
 * Gives a host name in its one spelling: lower-case, no trailing dot; `undefined` when it is not a DNS name or an IP address.
 *
 * @param raw - without port, as in SNI or a URL
 */
export function canonicalHost(raw: string): string | undefined {
  // Before the case is folded: some letters beyond ASCII become ASCII ones by it (U+212A, the Kelvin sign).
  if (raw.length > 256 || !/^[\x21-\x7e]*$/.test(raw)) return undefined;
  const lower = raw.toLowerCase();
  if (lower.startsWith('[')) {
    const inner = lower.endsWith(']') ? lower.slice(1, -1) : '';
    return isIPv6(inner) && !inner.includes('%') ? lower : undefined;
  }
  const name = lower.endsWith('.') ? lower.slice(0, -1) : lower;
  return NAME.test(name) ? name : undefined;
}

/**
 * Gives host and port of an authority (`Host` field, `:authority`), or `undefined` when it is malformed.
 *
 * @see RFC 9110 §7.2, RFC 3986 §3.2
 *
 * Security: userinfo, spaces, commas, quotes and non-ASCII have no place here and are refused.
 */
export function parseAuthority(raw: string): HostAndPort | undefined {
  const match = /^(\[[^\]]*\]|[^:[\]]*)(?::([0-9]{1,5}))?$/.exec(raw);
  if (match === null) return undefined;
  const host = canonicalHost(match[1] ?? '');
  if (host === undefined) return undefined;
  if (match[2] === undefined) return { host, port: undefined };
  const port = Number(match[2]);
  return port >= 1 && port <= 65535 ? { host, port } : undefined;
}
