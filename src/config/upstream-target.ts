import { isIPv4 } from 'node:net';
import { canonicalHost } from '../lib/canonical-host.ts';
import type { UpstreamTarget } from './config.ts';

/** Why the URL of a target was refused. */
export interface TargetFault {
  readonly fault: string;
  readonly hint: string | undefined;
}

/**
 * Gives the target that a URL names, or why it is refused.
 *
 * Security: the fault never repeats the URL, which may hold a password.
 */
export function parseTarget(written: string): UpstreamTarget | TargetFault {
  const match = /^(https?):\/\/([^/?#\\]*)(.*)$/is.exec(written);
  if (match === null)
    return { fault: 'is not an http or https URL', hint: 'write it like http://10.0.0.1:8080' };
  const [, scheme = '', authority = '', rest = ''] = match;
  if (authority.includes('@')) return { fault: 'must not hold a user or password', hint: undefined };
  if (rest !== '' && rest !== '/')
    return { fault: 'must end after the port: a path or query is not supported', hint: undefined };
  const parts = /^(\[[^\]]*\]|[^:[\]]*)(?::([1-9]\d{0,4}))?$/.exec(authority);
  const host = canonicalHost(parts?.[1] ?? '');
  const protocol = scheme.toLowerCase() === 'https' ? 'https:' : 'http:';
  const port = parts?.[2] === undefined ? (protocol === 'https:' ? 443 : 80) : Number(parts[2]);
  if (host === undefined || port > 65535)
    return { fault: 'has a malformed host or port', hint: 'write it like http://10.0.0.1:8080' };
  // `127.1`, `0x7f.0.0.1` and `010.0.0.1` mean different machines to different programs.
  const numeric = /(?:^|\.)(?:0x[\da-f]*|\d+)$/.test(host);
  if (numeric && !isIPv4(host))
    return {
      fault: 'has an address that can be read in more than one way',
      hint: 'write all four numbers of an IPv4 address, without leading zeros',
    };
  return { protocol, host: host.replace(/^\[|\]$/g, ''), port, address: `${host}:${port}` };
}
