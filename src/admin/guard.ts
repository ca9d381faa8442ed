import type { IncomingMessage } from 'node:http';
import { isIP } from 'node:net';
import { GatewayError } from '../errors.ts';

/** `name`, `name:port`, `[v6]` or `[v6]:port`; RFC 9110 §7.2. */
const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9_.-]+))(?::\d{1,5})?$/i;

/**
 * Gives the guard of the admin door: it refuses every caller that could be a browser acting for somebody else's page.
 *
 * @param hosts - names, beside loopback ones, under which the door may be addressed; lower-case
 * @returns throws SP_ADMIN_FORBIDDEN; SP_ADMIN_MEDIA_TYPE for a body that an HTML form could send
 *
 * Security: a page may send requests to a loopback port, and by DNS rebinding even read the answers. Such requests
 * carry an `Origin` or `Sec-Fetch-Site`, or name a host that is not ours. The guard stands before routes that need no
 * credential, too.
 */
export function makeGuard(hosts: readonly string[]): (request: IncomingMessage) => void {
  const names = new Set(hosts.map((host) => host.toLowerCase().replace(/\.$/, '')));
  return (request) => {
    if (request.headers.origin !== undefined) throw forbidden('origin');
    if ((request.headers['sec-fetch-site'] ?? 'none') !== 'none') throw forbidden('fetch-site');
    if (!request.url?.startsWith('/')) throw forbidden('target-form');
    const given = request.headersDistinct.host ?? [];
    if (given.length !== 1 || !isOwnHost(given[0] ?? '', request.socket.localAddress, names)) {
      throw forbidden('host');
    }
    if (hasBody(request) && !isJson(request.headers['content-type'])) {
      throw new GatewayError('SP_ADMIN_MEDIA_TYPE', { reason: 'media-type' });
    }
  };
}

function forbidden(reason: string): GatewayError {
  return new GatewayError('SP_ADMIN_FORBIDDEN', { reason, detail: `refused because of ${reason}` });
}

function isOwnHost(value: string, localAddress: string | undefined, names: ReadonlySet<string>): boolean {
  const match = HOST.exec(value);
  if (match === null) return false;
  const host = (match[1] ?? match[2] ?? '').toLowerCase().replace(/\.$/, '');
  if (host === 'localhost' || names.has(host)) return true;
  if (isIP(host) === 0) return false;
  // An address cannot be rebound: a page at this address is served by this very socket.
  return (
    /^127\.\d+\.\d+\.\d+$/.test(host) || host === '::1' || host === localAddress?.replace(/^::ffff:/, '')
  );
}

function hasBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

function isJson(contentType: string | undefined): boolean {
  return /^application\/json\s*(?:;\s*charset="?utf-8"?\s*)?$/i.test(contentType ?? '');
}
