import { BlockList, isIPv4, isIPv6 } from 'node:net';

export interface IpRange {
  readonly family: 'ipv4' | 'ipv6';
  /** First address of the range. */
  readonly address: string;
  /** Length of the prefix in bits: 0 to 32, or 0 to 128. */
  readonly prefix: number;
}

/** Why a range was refused: a closed set of words. */
export type IpRangeFault = 'not-an-address' | 'bad-prefix' | 'mapped-ipv4' | 'host-bits';

const MAPPED_IPV4 = 0xffffn << 32n;

/**
 * Gives a range from CIDR notation or a single address, or the reason why it has none.
 *
 * What two programs could read differently is refused: addresses that reach past the prefix (`10.0.0.1/8`), and
 * IPv4 ranges in IPv6 clothes (`::ffff:10.0.0.0/104`).
 *
 * @see RFC 4632 §3.1, RFC 4291 §2.3
 */
export function parseIpRange(text: string): IpRange | { readonly fault: IpRangeFault } {
  const [address = '', length, ...rest] = text.split('/');
  const family = isIPv4(address) ? 'ipv4' : isIPv6(address) && !address.includes('%') ? 'ipv6' : undefined;
  if (family === undefined || rest.length > 0) return { fault: 'not-an-address' };
  const bits = family === 'ipv4' ? 32 : 128;
  if (length !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(length)) return { fault: 'bad-prefix' };
  const prefix = length === undefined ? bits : Number(length);
  if (prefix > bits) return { fault: 'bad-prefix' };
  const value = family === 'ipv4' ? ipv4Value(address) : ipv6Value(address);
  if (family === 'ipv6' && prefix >= 80 && value >> 32n === MAPPED_IPV4 >> 32n)
    return { fault: 'mapped-ipv4' };
  if ((value & ((1n << BigInt(bits - prefix)) - 1n)) !== 0n) return { fault: 'host-bits' };
  return { family, address, prefix };
}

/**
 * Gives an IP address with IPv4-mapped IPv6 (`::ffff:10.0.0.1`) written as IPv4, all else as it is.
 *
 * @see RFC 4291 §2.5.5.2
 */
export function unmappedAddress(address: string): string {
  if (!isIPv6(address) || address.includes('%')) return address;
  const value = ipv6Value(address);
  if (value >> 32n !== MAPPED_IPV4 >> 32n) return address;
  return [24n, 16n, 8n, 0n].map((shift) => (value >> shift) & 0xffn).join('.');
}

/**
 * Gives a test whether an address lies in one of the ranges.
 *
 * @param texts - ranges that `parseIpRange` accepts; @throws RangeError for any other
 *
 * Security: IPv4-mapped addresses count as IPv4; what is not an address is in no range, so use it for permissions only.
 */
export function compileIpRanges(texts: readonly string[]): (address: string) => boolean {
  if (texts.length === 0) return () => false;
  // One list per family: in a mixed one `0.0.0.0/0` matches IPv6 addresses too.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const text of texts) {
    const range = parseIpRange(text);
    if ('fault' in range) throw new RangeError(`not an IP range: ${range.fault}`);
    lists[range.family].addSubnet(range.address, range.prefix, range.family);
  }
  return (address) => {
    const plain = unmappedAddress(address);
    // `check` takes the family 'ipv4' when none is named and then answers false for every IPv6 address.
    if (isIPv4(plain)) return lists.ipv4.check(plain, 'ipv4');
    return isIPv6(plain) && lists.ipv6.check(plain, 'ipv6');
  };
}

function ipv4Value(address: string): bigint {
  return address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
}

function ipv6Value(address: string): bigint {
  const [head = '', tail] = address.split('::');
  const front = groups(head);
  const back = tail === undefined ? [] : groups(tail);
  const middle = Array.from({ length: 8 - front.length - back.length }, () => 0n);
  return [...front, ...middle, ...back].reduce((value, group) => (value << 16n) | group, 0n);
}

function groups(text: string): bigint[] {
  if (text === '') return [];
  return text.split(':').flatMap((part) => {
    if (!part.includes('.')) return [BigInt(`0x${part}`)];
    const value = ipv4Value(part);
    return [value >> 16n, value & 0xffffn];
  });
}
