/**
 * Keys from passphrases, as PBES2 asks for them. Comes in: an AlgorithmIdentifier and a passphrase. Goes out: a key, derived
 * on a thread of the pool. What a derivation may ask for is bounded before any of it is done.
 */

import { pbkdf2, type ScryptOptions, scrypt } from 'node:crypto';
import { promisify } from 'node:util';
import { children, content, type DerNode, dotted, isType, small } from './der.ts';
import { KeyEncryptionError } from './key-encryption-error.ts';

/** Most iterations of PBKDF2: some 0.4 s of one thread; tools ask for 2,048 to 600,000. */
const MAX_PBKDF2_ITERATIONS = 1_000_000;
/**
 * Most of N * r * p for scrypt: some 0.15 s of one thread and 32 MiB. `openssl pkcs8 -scrypt` asks for half of it, and OpenSSL
 * itself opens nothing that needs more memory.
 */
const MAX_SCRYPT_WORK = 2 ** 18;
/** Twice what the most work needs: Node counts its own overhead in. */
const SCRYPT_MEMORY_BYTES = 64 * 1024 * 1024;
/** A salt is hashed again and again; tools make 8 to 64 bytes. */
const MAX_SALT_BYTES = 1024;

const PBKDF2 = '1.2.840.113549.1.5.12';
const SCRYPT = '1.3.6.1.4.1.11591.4.11';
const INTEGER = 2;

/** Digests by object identifier, both as digest and as HMAC. */
const DIGESTS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '2.16.840.1.101.3.4.2.4': 'sha224',
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.8': 'sha224',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const derivePbkdf2 = promisify(pbkdf2);
const deriveScrypt = promisify<string, Buffer, number, ScryptOptions, Buffer>(scrypt);

/** Gives the digest behind an object identifier. @throws KeyEncryptionError when it is not supported */
export function digestOf(id: string): string {
  const name = DIGESTS[id];
  if (name === undefined) throw new KeyEncryptionError('unsupported', `The digest ${id} is not supported.`);
  return name;
}

/** Gives the number of iterations if there are 1 to `most`. @throws KeyEncryptionError otherwise */
export function boundIterations(iterations: number, most: number): number {
  if (iterations >= 1 && iterations <= most) return iterations;
  const text = `It asks for ${iterations} iterations of key derivation and at most ${most} are accepted: encrypt it anew with fewer.`;
  throw new KeyEncryptionError('passphrase-cost', text);
}

/** Gives the salt if it has 1024 bytes at most. @throws KeyEncryptionError otherwise */
export function boundSalt(salt: Buffer): Buffer {
  if (salt.length <= MAX_SALT_BYTES) return salt;
  const text = `It asks for a salt of ${salt.length} bytes and at most ${MAX_SALT_BYTES} are accepted: encrypt it anew.`;
  throw new KeyEncryptionError('passphrase-cost', text);
}

/** PBKDF2-params (RFC 8018 appendix A.2). */
function byPbkdf2(parameters: DerNode | undefined, passphrase: string, keyBytes: number): Promise<Buffer> {
  const [salt, count, ...rest] = children(parameters);
  const prf = rest.find((node) => !isType(node, INTEGER));
  const digest = prf === undefined ? 'sha1' : digestOf(dotted(children(prf)[0]));
  const iterations = boundIterations(small(count), MAX_PBKDF2_ITERATIONS);
  return derivePbkdf2(passphrase, boundSalt(content(salt)), iterations, keyBytes, digest);
}

/** scrypt-params (RFC 7914 §7.1). */
function byScrypt(parameters: DerNode | undefined, passphrase: string, keyBytes: number): Promise<Buffer> {
  const [salt, ...numbers] = children(parameters);
  const [cost = 0, blockSize = 0, parallelization = 0] = numbers.slice(0, 3).map(small);
  if (cost * blockSize * parallelization > MAX_SCRYPT_WORK) {
    const text = `It asks scrypt for N = ${cost}, r = ${blockSize}, p = ${parallelization}, and their product may be ${MAX_SCRYPT_WORK} at most: encrypt it anew with less.`;
    throw new KeyEncryptionError('passphrase-cost', text);
  }
  if (cost < 2 || !Number.isInteger(Math.log2(cost)) || blockSize < 1 || parallelization < 1)
    throw new KeyEncryptionError('unsupported', 'It asks scrypt for something that it does not offer.');
  const options = { cost, blockSize, parallelization, maxmem: SCRYPT_MEMORY_BYTES };
  return deriveScrypt(passphrase, boundSalt(content(salt)), keyBytes, options);
}

/**
 * Gives the key that a passphrase makes.
 *
 * @param derivation - AlgorithmIdentifier: PBKDF2 or scrypt
 * @throws KeyEncryptionError when not supported or too costly; Error when it is not DER
 *
 * Security: no parameter of the sender's makes the event loop wait, or a thread of the pool work for more than half a second.
 */
export async function deriveKey(
  derivation: DerNode | undefined,
  passphrase: string,
  keyBytes: number,
): Promise<Buffer> {
  const [id, parameters] = children(derivation);
  const name = dotted(id);
  if (name === PBKDF2) return await byPbkdf2(parameters, passphrase, keyBytes);
  if (name === SCRYPT) return await byScrypt(parameters, passphrase, keyBytes);
  throw new KeyEncryptionError('unsupported', `The key derivation ${name} is not supported.`);
}
