import { createHash, randomBytes } from 'node:crypto';
import { base32 } from '../lib/base32.ts';

const COUNT = 10;
/** 80 bits: too many to be searched for even by who has the hashes. */
const BYTES = 10;

/** Gives ten new codes such as `abcd-efgh-ijkl-mnop`, to be shown once. */
export function newRecoveryCodes(): readonly string[] {
  return Array.from({ length: COUNT }, () => base32(randomBytes(BYTES)).replace(/(.{4})(?!$)/g, '$1-'));
}

/** Gives the hash under which a code is kept, base64url; `undefined` for what cannot be one. Case, spaces and dashes do not count. */
export function hashOfRecoveryCode(code: string): string | undefined {
  const plain = code.replace(/[\s-]/g, '').toLowerCase();
  if (!/^[a-z2-7]{16}$/.test(plain)) return undefined;
  return createHash('sha256').update(plain).digest('base64url');
}
