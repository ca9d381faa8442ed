import { content, type DerNode, decode, isType } from './der.ts';
import { comparableName } from './distinguished-name.ts';

/** What a revocation list says about itself (RFC 5280 §5.1.2). */
export interface RevocationList {
  /** Of its authority, in the spelling of `comparableName`. */
  readonly issuer: string;
  readonly thisUpdateMs: number;
  /** From when on it is out of date; `undefined`: it never is. */
  readonly nextUpdateMs: number | undefined;
  /** Whether it says which key of that authority signed it (RFC 5280 §5.2.1). */
  readonly hasAuthorityKeyId: boolean;
}

const INTEGER = 2;
const UTC_TIME = 23;
const GENERALIZED_TIME = 24;
/** Fields of a list up to its second date. */
const HEAD_FIELDS = 5;
/** All fields of a list. */
const MOST_FIELDS = 7;
/** Tag of the extensions of a list. */
const EXTENSIONS_TAG = 0xa0;
/** 2.5.29.35 in DER. */
const AUTHORITY_KEY_ID = Buffer.of(0x06, 0x03, 0x55, 0x1d, 0x23);

/**
 * Reads the head of a revocation list and which extensions it has; what it revokes, which may be very long, is not looked at.
 *
 * @param pem - one block
 * @throws Error when it is no revocation list
 */
export function readRevocationList(pem: string): RevocationList {
  const bytes = Buffer.from(pem.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  const [signed] = fieldsOf(bytes, 1);
  const all = fieldsOf(signed, MOST_FIELDS);
  const fields = all.slice(0, HEAD_FIELDS).map((field) => (isSmall(field) ? decode(field) : undefined));
  // The version, an integer, is absent from lists of version 1.
  const [, issuer, thisUpdate, nextUpdate] = isType(fields[0], INTEGER) ? fields.slice(1) : fields;
  const thisUpdateMs = timeOf(thisUpdate);
  if (issuer === undefined || thisUpdateMs === undefined) throw new Error('not a revocation list');
  const hasAuthorityKeyId = all.some(isExtensionsWithKeyId);
  return {
    issuer: comparableName(issuer),
    thisUpdateMs,
    nextUpdateMs: timeOf(nextUpdate),
    hasAuthorityKeyId,
  };
}

function isExtensionsWithKeyId(field: Buffer): boolean {
  if (field[0] !== EXTENSIONS_TAG) return false;
  const extensions = fieldsOf(field.subarray(startOf(field, 0)), Number.POSITIVE_INFINITY);
  return extensions.some((one) => one.subarray(startOf(one, 0)).indexOf(AUTHORITY_KEY_ID) === 0);
}

/** A field of the head that is longer is the list of what was revoked. */
function isSmall(field: Buffer): boolean {
  return field.length < 16 * 1024;
}

/** Gives the first fields of a structure, each with its tag, without looking into them. @throws Error when it is not DER */
function fieldsOf(bytes: Buffer | undefined, most: number): readonly Buffer[] {
  if (bytes?.[0] !== 0x30) throw new Error('a structure is missing');
  const fields: Buffer[] = [];
  for (let at = startOf(bytes, 0); at < bytes.length && fields.length < most; ) {
    const end = startOf(bytes, at) + lengthOf(bytes, at);
    fields.push(bytes.subarray(at, end));
    at = end;
  }
  return fields;
}

/** Gives where the content of the value at an offset begins. */
function startOf(bytes: Buffer, at: number): number {
  const first = bytes.readUInt8(at + 1);
  return at + 2 + (first < 0x80 ? 0 : first & 0x7f);
}

function lengthOf(bytes: Buffer, at: number): number {
  const first = bytes.readUInt8(at + 1);
  return first < 0x80 ? first : bytes.readUIntBE(at + 2, first & 0x7f);
}

/** Gives a UTCTime or GeneralizedTime in milliseconds, `undefined` for anything else. */
function timeOf(node: DerNode | undefined): number | undefined {
  if (!isType(node, UTC_TIME) && !isType(node, GENERALIZED_TIME)) return undefined;
  const text = content(node).toString('latin1');
  const short = isType(node, UTC_TIME);
  const [, year = '', month, day, hour, minute, second] =
    /^(\d{2}|\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(text) ?? [];
  // RFC 5280 §4.1.2.5.1.
  const whole = short ? `${Number(year) < 50 ? '20' : '19'}${year}` : year;
  const ms = Date.parse(`${whole}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(ms) ? undefined : ms;
}
