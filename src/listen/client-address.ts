import { isIP } from 'node:net';
import type { HeaderList } from '../exchange.ts';
import { unmappedAddress } from '../lib/ip-range.ts';

/**
 * Gives the client's address: the peer's own, or, where trusted proxies stand before us, the rightmost address of
 * `Forwarded` (or else `X-Forwarded-For`) that is not one of theirs.
 *
 * @param peer - address of the socket's other end
 * @param trusted - tells whether an address is a trusted proxy's
 * @see RFC 7239 §5.2, §7.4
 *
 * Security: the list is walked from the right, so that what a client wrote is never reached; an element that is no
 * address ends the walk at the proxy that passed it on.
 */
export function clientAddress(
  peer: string,
  headers: HeaderList,
  trusted: (address: string) => boolean,
): string {
  if (!trusted(peer)) return peer;
  const chain = chainOf(headers);
  let address = peer;
  for (let i = chain.length - 1; i >= 0 && trusted(address); i--) {
    const next = chain[i];
    if (next === undefined || isIP(next) === 0) break;
    address = unmappedAddress(next);
  }
  return address;
}

function chainOf(headers: HeaderList): string[] {
  let forwarded: string | undefined;
  let list: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    if (headers[i] === 'forwarded') forwarded = forwarded === undefined ? value : `${forwarded},${value}`;
    else if (headers[i] === 'x-forwarded-for') list = list === undefined ? value : `${list},${value}`;
  }
  if (forwarded !== undefined) return forwarded.split(',').map(forwardedFor);
  return list === undefined ? [] : list.split(',').map((element) => withoutPort(element.trim()));
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
