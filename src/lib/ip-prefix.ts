import { isIPv4, isIPv6 } from 'node:net';
import { unmappedAddress } from './ip-range.ts';

/**
 * Gives the part of an IP address that one party usually holds: IPv4 whole, IPv6 its /64 (`2001:db8:0:1::/64`).
 *
 * IPv4-mapped IPv6 counts as IPv4 (RFC 4291 §2.5.5.2); a zone id is dropped. What is no address gives `unknown`,
 * so that such callers share one budget rather than having none.
 */
export function ipPrefix(address: string): string {
  const plain = unmappedAddress(address.replace(/%.*$/s, ''));
  if (isIPv4(plain)) return plain;
  if (!isIPv6(plain)) return 'unknown';
  const [head = '', tail] = plain.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: 8 - front.length - back.length }, () => 0);
  const network = [...front, ...zeros, ...back].slice(0, 4);
  return `${network.map((group) => group.toString(16)).join(':')}::/64`;
}

function groups(text: string): readonly number[] {
  if (text === '') return [];
  // A dotted tail (RFC 4291 §2.2) stands for two groups; it is never among the first four.
  return text.split(':').flatMap((part) => (part.includes('.') ? [0, 0] : [Number.parseInt(part, 16)]));
}
