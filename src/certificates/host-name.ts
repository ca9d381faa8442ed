import { isIP, SocketAddress } from 'node:net';
import { canonicalHost } from '../lib/canonical-host.ts';

const ASCII = /^[\x21-\x7e]{1,256}$/;

/** Gives an IP address in its one spelling, or `undefined` when it is none. */
function canonicalAddress(text: string): string | undefined {
  const bare = text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text;
  const version = isIP(bare);
  if (version === 4) return bare;
  if (version !== 6 || bare.includes('%')) return undefined;
  return new SocketAddress({ address: bare, family: 'ipv6' }).address;
}

/**
 * Gives a name as certificates and handshakes are compared by it: lower-case, no trailing dot, IPv6 short and without
 * brackets; `undefined` when it can be no host. A wildcard keeps its leading `*.`.
 *
 * Security: non-ASCII is refused before lower-casing, which would turn the Kelvin sign into a `k`.
 */
export function canonicalName(raw: string): string | undefined {
  if (!ASCII.test(raw)) return undefined;
  const address = canonicalAddress(raw);
  if (address !== undefined) return address;
  if (raw.startsWith('*.')) {
    const parent = canonicalHost(raw.slice(2));
    return parent === undefined ? undefined : `*.${parent}`;
  }
  return canonicalHost(raw);
}

/** Gives the wildcard that would cover a canonical name: `a.b.c` -> `*.b.c`; `undefined` for addresses and single labels. */
export function wildcardOf(name: string): string | undefined {
  const dot = name.indexOf('.');
  if (dot < 1 || name.startsWith('*.') || isIP(name) !== 0) return undefined;
  return `*${name.slice(dot)}`;
}

/**
 * Whether the names of a certificate cover a host; all of them canonical. A wildcard host is covered only by the same wildcard.
 *
 * @see RFC 9525 §6.3: a wildcard is one whole left-most label and stands for exactly one label
 */
export function covers(names: readonly string[], host: string): boolean {
  if (names.includes(host)) return true;
  const wildcard = wildcardOf(host);
  return wildcard !== undefined && names.includes(wildcard);
}

/** Gives the 4 or 16 bytes of an IP address. @throws Error when it is none */
export function addressBytes(text: string): Buffer {
  const address = canonicalAddress(text);
  if (address === undefined) throw new Error('not an IP address');
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number));
  const last = address.lastIndexOf(':') + 1;
  const tail = address.slice(last);
  const plain =
    isIP(tail) === 4
      ? address.slice(0, last) +
        addressBytes(tail)
          .toString('hex')
          .replace(/^(....)/, '$1:')
      : address;
  const [head = '', rest] = plain.split('::');
  const groups = (part: string): string[] => (part === '' ? [] : part.split(':'));
  const left = groups(head);
  const right = rest === undefined ? [] : groups(rest);
  const zeros = new Array<string>(8 - left.length - right.length).fill('0');
  return Buffer.from([...left, ...zeros, ...right].map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** Gives the canonical text of 4 or 16 address bytes, `undefined` for any other length. */
export function addressText(bytes: Uint8Array): string | undefined {
  if (bytes.length === 4) return [...bytes].join('.');
  if (bytes.length !== 16) return undefined;
  const groups = Buffer.from(bytes).toString('hex').match(/.{4}/g) ?? [];
  return canonicalAddress(groups.join(':'));
}
