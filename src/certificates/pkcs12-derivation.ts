import { hash } from 'node:crypto';
import { boundIterations, boundSalt } from './key-derivation.ts';

/**
 * Most iterations of PKCS#12's own derivation: some 0.3 s for each 20 bytes, shared with all other work, because no library
 * offers it on a thread. Tools ask for 1 to 100,000.
 */
const MAX_ITERATIONS = 200_000;
/** How many iterations are made before other work gets its turn: some 3 ms. */
const TURN = 2000;

/** What PKCS#12's own derivation starts from. */
export interface Pkcs12Derivation {
  readonly digest: string;
  readonly passphrase: string;
  readonly salt: Buffer;
  readonly iterations: number;
}

/** Gives bytes repeated to fill whole blocks of 64 or 128 bytes. */
function fill(bytes: Uint8Array, block: number): Buffer {
  return Buffer.alloc(Math.ceil(bytes.length / block) * block, bytes);
}

/**
 * Gives key, IV or MAC key of PKCS#12's own derivation.
 *
 * @param purpose - 1 key, 2 IV, 3 MAC key
 * @param length - 64 bytes at most: the sender has no say in it
 * @throws KeyEncryptionError when it asks for more than 200,000 iterations or a salt of more than 1024 bytes
 * @see RFC 7292 appendix B.2
 */
export async function derivePkcs12(
  from: Pkcs12Derivation,
  purpose: 1 | 2 | 3,
  length: number,
): Promise<Buffer> {
  const { digest } = from;
  const iterations = boundIterations(from.iterations, MAX_ITERATIONS);
  const block = digest === 'sha384' || digest === 'sha512' ? 128 : 64;
  const secret = Buffer.from(`${from.passphrase}\0`, 'utf16le').swap16();
  const input = Buffer.concat([fill(boundSalt(from.salt), block), fill(secret, block)]);
  const diversifier = Buffer.alloc(block, purpose);
  const out: Buffer[] = [];
  for (let made = 0; made < length; ) {
    let round = hash(digest, Buffer.concat([diversifier, input]), 'buffer');
    for (let count = 1; count < iterations; count++) {
      round = hash(digest, round, 'buffer');
      if (count % TURN === 0) await new Promise(setImmediate);
    }
    out.push(round);
    made += round.length;
    const addend = Buffer.alloc(block, round);
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
