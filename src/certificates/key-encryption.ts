import { createDecipheriv, createHash, pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import forge from 'node-forge';
import { children, content, type DerNode, decode, dotted, isType, small } from './der.ts';

/**
 * Password-based encryption as PKCS#8 and PKCS#12 use it. Comes in: an AlgorithmIdentifier, bytes, a passphrase.
 * Goes out: the plain bytes. node:crypto does the work; only RC2, which it no longer knows, is left to node-forge.
 */

/** Most iterations of one key derivation; about a third of a second. */
export const MAX_ITERATIONS = 1_000_000;

const derive = promisify(pbkdf2);
const INTEGER = 2;
const OCTET_STRING = 4;
const PBES2 = '1.2.840.113549.1.5.13';
const PBKDF2 = '1.2.840.113549.1.5.12';
const PBE_SHA1_3DES = '1.2.840.113549.1.12.1.3';
const PBE_SHA1_RC2_40 = '1.2.840.113549.1.12.1.6';

/** Digests by object identifier, both as digest and as HMAC. */
const DIGESTS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
  '1.2.840.113549.2.7': 'sha1',
  '1.2.840.113549.2.9': 'sha256',
  '1.2.840.113549.2.10': 'sha384',
  '1.2.840.113549.2.11': 'sha512',
};

const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};

/** An encryption or integrity algorithm that is not supported, or costs too much. The message is made for people. */
export class KeyEncryptionError extends Error {
  readonly word: 'passphrase-cost' | 'pkcs12-unreadable';

  constructor(word: 'passphrase-cost' | 'pkcs12-unreadable', message: string) {
    super(message);
    this.word = word;
  }
}

/** Gives the digest behind an object identifier. @throws KeyEncryptionError when it is not supported */
export function digestOf(id: string): string {
  const name = DIGESTS[id];
  if (name === undefined)
    throw new KeyEncryptionError('pkcs12-unreadable', `The digest ${id} is not supported.`);
  return name;
}

/** Refuses a derivation that would hold the process up. @throws KeyEncryptionError */
export function boundIterations(iterations: number): number {
  if (iterations >= 1 && iterations <= MAX_ITERATIONS) return iterations;
  const text = `It asks for ${iterations} iterations of key derivation and at most ${MAX_ITERATIONS} are accepted.`;
  throw new KeyEncryptionError('passphrase-cost', text);
}

interface Pkcs12Derivation {
  readonly digest: string;
  readonly passphrase: string;
  readonly salt: Uint8Array;
  readonly iterations: number;
}

/** Gives bytes repeated to fill whole blocks of 64 or 128 bytes. */
function fill(bytes: Uint8Array, block: number): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
}

/** How many iterations are made before other work gets its turn: some 3 ms. */
const TURN = 2000;

/**
 * Gives key, IV or MAC key of PKCS#12's own derivation.
 *
 * @param purpose - 1 key, 2 IV, 3 MAC key
 * @see RFC 7292 appendix B.2
 */
export async function derivePkcs12(
  from: Pkcs12Derivation,
  purpose: 1 | 2 | 3,
  length: number,
): Promise<Buffer> {
  const block = from.digest === 'sha384' || from.digest === 'sha512' ? 128 : 64;
  const secret = Buffer.from(`${from.passphrase}\0`, 'utf16le').swap16();
  const input = Buffer.concat([fill(from.salt, block), fill(secret, block)]);
  const diversifier = Buffer.alloc(block, purpose);
  const out: Buffer[] = [];
  for (let made = 0; made < length; ) {
    let hash = createHash(from.digest).update(diversifier).update(input).digest();
    for (let round = 1; round < from.iterations; round++) {
      hash = createHash(from.digest).update(hash).digest();
      if (round % TURN === 0) await new Promise(setImmediate);
    }
    out.push(hash);
    made += hash.length;
    const addend = Buffer.alloc(block, hash);
    for (let start = 0; start < input.length; start += block)
      addOne(input.subarray(start, start + block), addend);
  }
  return Buffer.concat(out).subarray(0, length);
}

/** Sets `target` to target + addend + 1, big endian, overflow dropped. */
function addOne(target: Buffer, addend: Buffer): void {
  let carry = 1;
  for (let index = target.length - 1; index >= 0; index--) {
    carry += (target[index] ?? 0) + (addend[index] ?? 0);
    target[index] = carry & 0xff;
    carry >>= 8;
  }
}

function decipher(name: string, key: Uint8Array, iv: Uint8Array, bytes: Uint8Array): Buffer {
  const cipher = createDecipheriv(name, key, iv);
  return Buffer.concat([cipher.update(bytes), cipher.final()]);
}

function decipherRc2(key: Buffer, iv: Buffer, bytes: Buffer): Buffer {
  const cipher = forge.rc2.createDecryptionCipher(key.toString('latin1'), 40);
  cipher.start(iv.toString('latin1'));
  cipher.update(forge.util.createBuffer(bytes.toString('latin1')));
  if (!cipher.finish()) throw new Error('bad padding');
  return Buffer.from(cipher.output.getBytes(), 'latin1');
}

interface Pbkdf2Parameters {
  readonly salt: Buffer;
  readonly iterations: number;
  readonly digest: string;
}

/** PBKDF2-params (RFC 8018 appendix A.2). */
function pbkdf2Parameters(derivation: DerNode | undefined): Pbkdf2Parameters {
  const [id, parameters] = children(derivation);
  if (dotted(id) !== PBKDF2) {
    throw new KeyEncryptionError('pkcs12-unreadable', `The key derivation ${dotted(id)} is not supported.`);
  }
  const [salt, iterations, ...rest] = children(parameters);
  const prf = rest.find((node) => !isType(node, INTEGER));
  const digest = prf === undefined ? 'sha1' : digestOf(dotted(children(prf)[0]));
  return { salt: content(salt), iterations: small(iterations), digest };
}

async function decryptPbes2(
  parameters: DerNode | undefined,
  bytes: Buffer,
  passphrase: string,
): Promise<Buffer> {
  const [derivation, scheme] = children(parameters);
  const [schemeId, iv] = children(scheme);
  const cipher = CIPHERS[dotted(schemeId)];
  if (cipher === undefined || !isType(iv, OCTET_STRING)) {
    throw new KeyEncryptionError('pkcs12-unreadable', `The cipher ${dotted(schemeId)} is not supported.`);
  }
  const { salt, iterations, digest } = pbkdf2Parameters(derivation);
  const key = await derive(passphrase, salt, boundIterations(iterations), cipher.keyBytes, digest);
  return decipher(cipher.name, key, content(iv), bytes);
}

/**
 * Gives what was encrypted under a passphrase.
 *
 * @param algorithm - AlgorithmIdentifier: PBES2 with PBKDF2 and AES or 3DES, or PKCS#12's own with 3DES or RC2-40
 * @throws KeyEncryptionError when not supported or too costly; Error when the passphrase is wrong
 */
export async function decrypt(algorithm: DerNode, bytes: Buffer, passphrase: string): Promise<Buffer> {
  const [id, parameters] = children(algorithm);
  const name = dotted(id);
  if (name === PBES2) return decryptPbes2(parameters, bytes, passphrase);
  if (name !== PBE_SHA1_3DES && name !== PBE_SHA1_RC2_40) {
    throw new KeyEncryptionError('pkcs12-unreadable', `The encryption ${name} is not supported.`);
  }
  const [salt, iterations] = children(parameters);
  const from = {
    digest: 'sha1',
    passphrase,
    salt: content(salt),
    iterations: boundIterations(small(iterations)),
  };
  const key = await derivePkcs12(from, 1, name === PBE_SHA1_3DES ? 24 : 5);
  const iv = await derivePkcs12(from, 2, 8);
  return name === PBE_SHA1_3DES ? decipher('des-ede3-cbc', key, iv, bytes) : decipherRc2(key, iv, bytes);
}

/** Gives how many iterations the encryption of a PKCS#8 PEM key asks for; 0 when it cannot be told. Never throws. */
export function encryptionCost(pem: string): number {
  try {
    const body = pem.replace(/-----[^-]+-----/g, '');
    const [algorithm] = children(decode(Buffer.from(body, 'base64')));
    const [id, parameters] = children(algorithm);
    if (dotted(id) !== PBES2) return small(children(parameters)[1]);
    return small(children(children(children(parameters)[0])[1])[1]);
  } catch {
    return 0;
  }
}
