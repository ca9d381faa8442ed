import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { verify as verifyBcrypt } from '@node-rs/bcrypt';
import { GatewayError } from '../errors.ts';
import { verifyApr1 } from './apr1.ts';
import {
  formatArgon2id,
  type HashParameters,
  hashArgon2id,
  parseArgon2id,
  verifyArgon2id,
} from './argon2id.ts';

const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const APR1 = /^\$apr1\$[./A-Za-z0-9]{1,8}\$[./A-Za-z0-9]{22}$/;
const SHA = /^\{SHA\}[A-Za-z0-9+/]{27}=$/;
/** 2^16 rounds take some seconds; every step doubles it. */
const MAX_BCRYPT_COST = 16;
/** bcrypt does not read further. */
const BCRYPT_BYTES = 72;

/** Hashes a password as new accounts are: argon2id, PHC string. */
export function hashPassword(password: string, parameters: HashParameters): Promise<string> {
  return hashArgon2id(password, parameters);
}

/**
 * Gives the scheme and cost of a hash, equal for two hashes that take the same time, e.g. `$2y$10$`.
 * @returns `undefined` for what is not accepted: crypt(3), plain text, malformed, or beyond what one sign-in may cost
 */
export function hashScheme(hash: string): string | undefined {
  const argon2id = parseArgon2id(hash);
  if (argon2id !== undefined) return hash.slice(0, hash.indexOf('$', '$argon2id$v=19$'.length) + 1);
  const cost = Number(BCRYPT.exec(hash)?.[1]);
  if (cost >= 4 && cost <= MAX_BCRYPT_COST) return hash.slice(0, 7);
  if (APR1.test(hash)) return '$apr1$';
  return SHA.test(hash) ? '{SHA}' : undefined;
}

/**
 * Tells whether a password has this hash, by its prefix: `$argon2id$`, `$2a$ $2b$ $2y$`, `$apr1$`, `{SHA}`.
 * @throws SP_STATE_CORRUPT for a hash that `hashScheme` does not accept
 */
export async function verifyPassword(hash: string, password: string): Promise<boolean> {
  const argon2id = parseArgon2id(hash);
  if (argon2id !== undefined) return verifyArgon2id(argon2id, password);
  switch (hashScheme(hash)?.slice(0, 2)) {
    case '$2':
      return verifyBcrypt(password, hash);
    case '$a':
      return verifyApr1(hash, password);
    case '{S': {
      const given = Buffer.from(hash.slice('{SHA}'.length), 'base64');
      return timingSafeEqual(createHash('sha1').update(password).digest(), given);
    }
    default:
      throw new GatewayError('SP_STATE_CORRUPT', {
        reason: 'garbage-hash',
        detail: 'a stored password hash is of no accepted form',
      });
  }
}

/**
 * Tells whether a hash is weaker than new ones are, so that it is replaced when the password is at hand.
 *
 * Security: not for passwords of 72 bytes and more under bcrypt, which accepts any ending: the one at hand may not be the
 * one that was set.
 */
export function needsUpgrade(hash: string, password: string, parameters: HashParameters): boolean {
  const argon2id = parseArgon2id(hash);
  if (argon2id !== undefined) {
    return argon2id.memoryKiB * argon2id.passes < parameters.memoryKiB * parameters.passes;
  }
  return !(BCRYPT.test(hash) && Buffer.byteLength(password) >= BCRYPT_BYTES);
}

/** Gives a hash of a scheme that takes as long to verify as a real one and that no password has. */
export function decoyHash(scheme: string): string {
  if (scheme.startsWith('$2')) return `${scheme}${bcryptBase64(16)}${bcryptBase64(23)}`;
  if (scheme === '$apr1$') return `$apr1$${bcryptBase64(6)}$${bcryptBase64(16)}`;
  if (scheme === '{SHA}') return `{SHA}${randomBytes(20).toString('base64')}`;
  const parameters = parseArgon2id(`${scheme}${'A'.repeat(22)}$${'A'.repeat(43)}`);
  if (parameters === undefined) throw new RangeError('not a scheme');
  return formatArgon2id({ ...parameters, salt: randomBytes(16), tag: randomBytes(32) });
}

function bcryptBase64(bytes: number): string {
  const standard = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
  const bcrypt = './ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  const text = randomBytes(bytes).toString('base64').replace(/=+$/, '');
  return text.replace(/./g, (letter) => bcrypt[standard.indexOf(letter)] ?? '');
}
