import { isIPv4, isIPv6 } from 'node:net';
import { canonicalHost } from '../lib/canonical-host.ts';
import type { Endpoint } from './config.ts';

/**
 * Gives the endpoint that `host:port`, `[v6]:port` or `unix:/path` names, or `undefined` when it is malformed.
 *
 * @param absolute - makes the path of a socket absolute
 */
export function parseEndpoint(text: string, absolute: (path: string) => string): Endpoint | undefined {
  if (text.startsWith('unix:')) {
    const path = text.slice('unix:'.length);
    return path === '' || path.includes('\0') ? undefined : { kind: 'unix', path: absolute(path) };
  }
  const match = /^(\[[^\]]+\]|[^:[\]]+):(0|[1-9]\d{0,4})$/.exec(text);
  const host = canonicalHost(match?.[1] ?? '');
  const port = Number(match?.[2]);
  if (host === undefined || !(port <= 65535)) return undefined;
  if (/^[\d.]+$/.test(host) && !isIPv4(host)) return undefined;
  return { kind: 'tcp', host: host.startsWith('[') ? host.slice(1, -1) : host, port };
}

/** Says whether only processes of this machine can reach an endpoint. */
export function isLocal(endpoint: Endpoint): boolean {
  return endpoint.kind === 'unix' || isLoopback(endpoint.host);
}

/** Says whether a host is this machine. @param host - lower-case, IPv6 without brackets */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.');
  return host === 'localhost' || host.endsWith('.localhost') || (isIPv6(host) && host === '::1');
}
