import { isIP } from 'node:net';
import { children, content, decode, isTagged } from './der.ts';
import { addressBytes, wildcardOf } from './host-name.ts';

/** Host names and address ranges, of one kind: all that are permitted, or all that are excluded. */
interface Subtrees {
  /** Lower-case; `example.com` stands for itself and all below, `.example.com` for all below, an empty one for all. */
  readonly hosts: readonly string[];
  readonly ranges: readonly { readonly address: Buffer; readonly mask: Buffer }[];
}

/** The names for which an authority may sign (RFC 5280 §4.2.1.10), as far as they are names of hosts. */
export interface NameConstraints {
  readonly permitted: Subtrees;
  readonly excluded: Subtrees;
}

/** Most comparisons of names with constraints: some 20 ms. OpenSSL has a bound of its own. */
const MAX_COMPARISONS = 100_000;

type Node = Parameters<typeof content>[0];

function rangeOf(bytes: Buffer): Subtrees['ranges'][number] {
  if (bytes.length !== 8 && bytes.length !== 32) throw new Error('no range of addresses');
  return { address: bytes.subarray(0, bytes.length / 2), mask: bytes.subarray(bytes.length / 2) };
}

function subtreesOf(node: Node): Subtrees {
  const bases = node === undefined ? [] : children(node).map((subtree) => children(subtree)[0]);
  const of = (type: number): Buffer[] => bases.filter((base) => isTagged(base, type)).map(content);
  return {
    hosts: of(2).map((bytes) => bytes.toString('latin1').toLowerCase()),
    ranges: of(7).map(rangeOf),
  };
}

/** Reads the value of the extension. @throws Error when it is not DER, or holds a range that is none */
export function readNameConstraints(value: Uint8Array): NameConstraints {
  const parts = children(decode(value));
  const part = (tag: number): Node => parts.find((node) => isTagged(node, tag));
  return { permitted: subtreesOf(part(0)), excluded: subtreesOf(part(1)) };
}

function isBelow(name: string, base: string): boolean {
  if (base === '' || name === base) return true;
  return name.endsWith(base.startsWith('.') ? base : `.${base}`);
}

function isInRange(bytes: Buffer, { address, mask }: Subtrees['ranges'][number]): boolean {
  if (bytes.length !== address.length) return false;
  return bytes.every((byte, at) => ((byte ^ (address[at] ?? 0)) & (mask[at] ?? 0)) === 0);
}

function isAllowed(name: string, { permitted, excluded }: NameConstraints): boolean {
  if (isIP(name) !== 0) {
    const bytes = addressBytes(name);
    if (excluded.ranges.some((range) => isInRange(bytes, range))) return false;
    return permitted.ranges.length === 0 || permitted.ranges.some((range) => isInRange(bytes, range));
  }
  // A wildcard is as good as every name that it stands for.
  if (excluded.hosts.some((base) => isBelow(name, base) || wildcardOf(base) === name)) return false;
  return permitted.hosts.length === 0 || permitted.hosts.some((base) => isBelow(name, base));
}

/**
 * Gives those of a certificate's names, canonical, for which an authority with these constraints may not sign;
 * `undefined` when there are too many of both to be compared.
 */
export function namesOutside(
  { permitted, excluded }: NameConstraints,
  names: readonly string[],
): readonly string[] | undefined {
  const count = [permitted, excluded].reduce(
    (sum, { hosts, ranges }) => sum + hosts.length + ranges.length,
    0,
  );
  if (count * names.length > MAX_COMPARISONS) return undefined;
  return names.filter((name) => !isAllowed(name, { permitted, excluded }));
}
