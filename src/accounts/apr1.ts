import { createHash, timingSafeEqual } from 'node:crypto';

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const ROUNDS = 1000;
/** Order in which the digest's bytes are written, three to a group of four characters. */
const GROUPS = [
  [0, 6, 12],
  [1, 7, 13],
  [2, 8, 14],
  [3, 9, 15],
  [4, 10, 5],
] as const;

/**
 * Tells whether a password has this `$apr1$` hash: Apache's MD5 crypt, as `htpasswd -m` writes it.
 *
 * Security: weak, only for imported accounts; the first successful sign-in replaces it.
 */
export function verifyApr1(hash: string, password: string): boolean {
  const [, , salt = '', digest = ''] = hash.split('$');
  const computed = Buffer.from(apr1(Buffer.from(password), Buffer.from(salt)));
  const given = Buffer.from(digest);
  return given.length === computed.length && timingSafeEqual(given, computed);
}

function apr1(password: Buffer, salt: Buffer): string {
  const inner = md5(password, salt, password);
  const parts = [password, Buffer.from('$apr1$'), salt];
  for (let left = password.length; left > 0; left -= 16) parts.push(inner.subarray(0, Math.min(16, left)));
  for (let bits = password.length; bits > 0; bits >>= 1) {
    parts.push(bits & 1 ? Buffer.of(0) : password.subarray(0, 1));
  }
  let digest = md5(...parts);
  for (let round = 0; round < ROUNDS; round += 1) {
    const odd = round % 2 === 1;
    const middle = [...(round % 3 ? [salt] : []), ...(round % 7 ? [password] : [])];
    digest = md5(odd ? password : digest, ...middle, odd ? digest : password);
  }
  return encode(digest);
}

function encode(digest: Buffer): string {
  const byte = (index: number) => digest[index] ?? 0;
  const groups = GROUPS.map(([a, b, c]) => letters((byte(a) << 16) | (byte(b) << 8) | byte(c), 4));
  return groups.join('') + letters(byte(11), 2);
}

function letters(value: number, count: number): string {
  return Array.from({ length: count }, (_, index) => ALPHABET[(value >> (6 * index)) & 63]).join('');
}

function md5(...parts: readonly Buffer[]): Buffer {
  const hash = createHash('md5');
  for (const part of parts) hash.update(part);
  return hash.digest();
}
