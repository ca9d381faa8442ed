/**
 * DER in and out. Comes in: bytes or values. Goes out: ASN.1 nodes or bytes. node-forge is a codec here and nothing else:
 * no signature, no chain and no random number is left to it.
 */

import forge from 'node-forge';

const { asn1 } = forge;

/** One ASN.1 value with its tag. */
export type DerNode = forge.asn1.Asn1;

/** Deepest nesting that is read. X.509 and PKCS#12 need fewer than 16 levels. */
const MAX_DEPTH = 32;
/** Most values that are read: some 10 ms. A chain and its key have some hundreds, a thousand host names as many more. */
const MAX_VALUES = 20_000;
/** Longest object identifier that is read; those of X.509 have 11 bytes at most. */
const MAX_OID_BYTES = 32;

const UNIVERSAL = 0x00;
const CONTEXT = 0x80;

function binary(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}

function primitive(type: number, value: string): DerNode {
  return asn1.create(UNIVERSAL, type, false, value);
}

/** Gives the bytes of a node. */
export function encode(node: DerNode): Buffer {
  return Buffer.from(asn1.toDer(node).getBytes(), 'latin1');
}

/** Whether there are more than so many values, nested or not; where `bytes` are no DER, at least as many as are read before that shows. */
function isCrowded(bytes: Uint8Array): boolean {
  let count = 0;
  for (let at = 0; at < bytes.length; count++) {
    if (count > MAX_VALUES) return true;
    const constructed = ((bytes[at] ?? 0) & 0x20) !== 0;
    const first = bytes[at + 1] ?? 0;
    const more = first > 0x80 ? first & 0x7f : 0;
    let length = first < 0x80 ? first : 0;
    for (const byte of bytes.subarray(at + 2, at + 2 + more)) length = length * 256 + byte;
    at += 2 + more + (constructed ? 0 : length);
  }
  return false;
}

/** Reads one node that fills `bytes`. @throws Error on anything else, past 32 levels of nesting, and past 20,000 values */
export function decode(bytes: Uint8Array): DerNode {
  if (isCrowded(bytes)) throw new Error('too many values');
  const options = { strict: true, parseAllBytes: true, decodeBitStrings: false, maxDepth: MAX_DEPTH };
  // The typings know only the boolean form of the second argument.
  const read: (bytes: string, options: unknown) => DerNode = asn1.fromDer as never;
  return read(binary(bytes), options);
}

/** Gives a SEQUENCE of the children, in their order. */
export function sequence(...children: readonly DerNode[]): DerNode {
  return asn1.create(UNIVERSAL, asn1.Type.SEQUENCE, true, [...children]);
}

/** Gives a SET of the children; ordering them, as DER wants it for more than one, is up to the caller. */
export function set(...children: readonly DerNode[]): DerNode {
  return asn1.create(UNIVERSAL, asn1.Type.SET, true, [...children]);
}

/** Gives an OBJECT IDENTIFIER from its dotted form. */
export function oid(dotted: string): DerNode {
  return primitive(asn1.Type.OID, asn1.oidToDer(dotted).getBytes());
}

/** Gives an INTEGER. @param bytes - big endian, two's complement */
export function integer(bytes: Uint8Array): DerNode {
  return primitive(asn1.Type.INTEGER, binary(bytes));
}

/** Gives a BOOLEAN. */
export function boolean(value: boolean): DerNode {
  return primitive(asn1.Type.BOOLEAN, value ? '\xff' : '\x00');
}

/** Gives a UTF8String. */
export function utf8(text: string): DerNode {
  return primitive(asn1.Type.UTF8, binary(Buffer.from(text, 'utf8')));
}

/** Gives an OCTET STRING. */
export function octets(bytes: Uint8Array): DerNode {
  return primitive(asn1.Type.OCTETSTRING, binary(bytes));
}

/** Gives a BIT STRING. @param unused - bits at the end that do not count, 0 to 7 */
export function bits(bytes: Uint8Array, unused = 0): DerNode {
  return primitive(asn1.Type.BITSTRING, String.fromCharCode(unused) + binary(bytes));
}

/** Gives a NULL. */
export function none(): DerNode {
  return primitive(asn1.Type.NULL, '');
}

/** Gives a time as RFC 5280 §4.1.2.5 wants it: UTCTime until 2049, GeneralizedTime after. */
export function time(ms: number): DerNode {
  const date = new Date(ms);
  if (date.getUTCFullYear() >= 2050) {
    return primitive(asn1.Type.GENERALIZEDTIME, asn1.dateToGeneralizedTime(date));
  }
  return primitive(asn1.Type.UTCTIME, asn1.dateToUtcTime(date));
}

/** Context-specific tag around nodes (EXPLICIT). */
export function tagged(tag: number, ...children: readonly DerNode[]): DerNode {
  return asn1.create(CONTEXT, tag, true, [...children]);
}

/** Context-specific tag in place of the value's own (IMPLICIT). */
export function retagged(tag: number, bytes: Uint8Array): DerNode {
  return asn1.create(CONTEXT, tag, false, binary(bytes));
}

/** Gives the children of a constructed node. @throws Error on a primitive one */
export function children(node: DerNode | undefined): readonly DerNode[] {
  if (node === undefined || typeof node.value === 'string') throw new Error('a structure is missing');
  return node.value;
}

/** Gives the content of a primitive node; a string made of parts (BER) is joined. @throws Error when absent */
export function content(node: DerNode | undefined): Buffer {
  if (node === undefined) throw new Error('a value is missing');
  if (typeof node.value === 'string') return Buffer.from(node.value, 'latin1');
  return Buffer.concat(node.value.map((part) => content(part)));
}

/** Gives the dotted form of an object identifier. @throws Error when the node is none, or has more than 32 bytes */
export function dotted(node: DerNode | undefined): string {
  if (node?.type !== asn1.Type.OID || node.tagClass !== UNIVERSAL)
    throw new Error('an identifier is missing');
  const bytes = content(node);
  if (bytes.length > MAX_OID_BYTES) throw new Error('an identifier is too long');
  return asn1.derToOid(binary(bytes));
}

/** Gives a non-negative integer, `Infinity` when it has more than 5 bytes. @throws Error when it is negative */
export function small(node: DerNode | undefined): number {
  const bytes = content(node);
  if (bytes.length === 0 || (bytes[0] ?? 0) >= 0x80) throw new Error('a number is out of range');
  return bytes.length > 5 ? Number.POSITIVE_INFINITY : bytes.readIntBE(0, bytes.length);
}

/** Whether a node has the context-specific tag. */
export function isTagged(node: DerNode | undefined, tag: number): boolean {
  return node !== undefined && Number(node.tagClass) === CONTEXT && Number(node.type) === tag;
}

/** Whether a node is a universal one of a type, by its number in X.680. */
export function isType(node: DerNode | undefined, type: number): boolean {
  return node !== undefined && Number(node.tagClass) === UNIVERSAL && Number(node.type) === type;
}
