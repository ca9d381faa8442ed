import { createHash, randomBytes } from 'node:crypto';
import { crc32 } from 'node:zlib';

/** By which people and secret scanners recognise an app password, and by which it is told from a JWT. */
export const KEY_PREFIX = 'sp_';

const KEY = /^sp_([A-Za-z0-9_-]{43})([A-Za-z0-9_-]{6})$/;

/** Gives a new app password: prefix, 256 random bits and a checksum, 52 characters of base64url. */
export function newKey(): string {
  const secret = randomBytes(32).toString('base64url');
  return `${KEY_PREFIX}${secret}${checksumOf(secret)}`;
}

/** Tells whether a text is meant as an app password, well-formed or not. */
export function looksLikeKey(text: string): boolean {
  return text.startsWith(KEY_PREFIX);
}

/** Tells, without I/O, whether a text can be an app password: its form and its checksum are right. */
export function isKey(text: string): boolean {
  const match = KEY.exec(text);
  return match !== null && checksumOf(match[1] ?? '') === match[2];
}

/** Gives the SHA-256 of an app password, base64url; it needs no salt, for what is hashed is random. */
export function hashOfKey(key: string): string {
  return createHash('sha256').update(key).digest('base64url');
}

/** CRC-32: a typo or a cut is noticed without asking the state; it protects nothing. */
function checksumOf(secret: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(secret));
  return bytes.toString('base64url');
}
