import { isIP } from 'node:net';
import { GatewayError } from '../errors.ts';
import type { HeaderList } from '../exchange.ts';
import { unmappedAddress } from '../lib/ip-range.ts';

/**
 * Gives the client's address: the peer's own, or, where trusted proxies stand before us, the rightmost address of
 * `Forwarded` or `X-Forwarded-For` that is not one of theirs.
 *
 * @param peer - address of the socket's other end
 * @param trusted - tells whether an address is a trusted proxy's
 * @throws SP_LISTEN_BAD_REQUEST when both fields are there and name different clients
 * @see RFC 7239 §5.2, §7.4
 *
 * Security: the list is walked from the right, so that what a client wrote is never reached; an element that is no
 * address ends the walk at the proxy that passed it on. Most proxies write one of the two fields and pass the other on
 * as the client sent it: which one is theirs cannot be seen, so neither wins over the other.
 */
export function clientAddress(
  peer: string,
  headers: HeaderList,
  trusted: (address: string) => boolean,
): string {
  if (!trusted(peer)) return peer;
  const forwarded = listOf(headers, 'forwarded')?.map(forwardedFor);
  const listed = listOf(headers, 'x-forwarded-for')?.map((element) => withoutPort(element.trim()));
  const address = walk(peer, forwarded ?? listed ?? [], trusted);
  if (forwarded !== undefined && listed !== undefined && walk(peer, listed, trusted) !== address) {
    throw new GatewayError('SP_LISTEN_BAD_REQUEST', { reason: 'client-address-differs' });
  }
  return address;
}

function walk(peer: string, chain: readonly string[], trusted: (address: string) => boolean): string {
  let address = peer;
  for (let i = chain.length - 1; i >= 0 && trusted(address); i--) {
    const next = chain[i];
    if (next === undefined || isIP(next) === 0) break;
    address = unmappedAddress(next);
  }
  return address;
}

function listOf(headers: HeaderList, name: string): string[] | undefined {
  let list: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) list = list === undefined ? headers[i + 1] : `${list},${headers[i + 1]}`;
  }
  return list?.split(',');
}

function forwardedFor(element: string): string {
  const match = /(?:^|;)\s*for=(?:"([^"]*)"|([^;\s]*))/i.exec(element.trim());
  return withoutPort(match?.[1] ?? match?.[2] ?? '');
}

/** `192.0.2.1:80`, `[2001:db8::1]:80` and `[2001:db8::1]` without their brackets and ports. */
function withoutPort(node: string): string {
  const bracketed = /^\[([^\]]+)\](?::[0-9]+)?$/.exec(node);
  if (bracketed !== null) return bracketed[1] ?? '';
  const v4 = /^([0-9.]+):[0-9]+$/.exec(node);
  return v4?.[1] ?? node;
}
