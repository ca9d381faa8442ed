import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Hides bytes at rest and proves that they were not changed or moved to another place. */
export interface Sealer {
  /** Public name of the key, 16 hex digits: tells two keys apart and reveals neither. */
  readonly keyId: string;
  /** @param context - where the bytes are kept, e.g. the record's key; `open` must be given the same */
  seal(plain: Uint8Array, context: string): Uint8Array;
  /** @throws SealError */
  open(sealed: Uint8Array, context: string): Uint8Array;
}

/** Index in which every record is found whose value is sealed as a whole, with the record's key as context. */
export const SEALED_INDEX = 'sealed';

/** Gives the id of the key that sealed bytes, `undefined` for what is not sealed. */
export function sealedBy(sealed: Uint8Array): string | undefined {
  if (sealed.length < HEADER_BYTES || sealed[0] !== VERSION) return undefined;
  return Buffer.from(sealed.subarray(1, HEADER_BYTES)).toString('hex');
}

/** Sealed bytes that could not be opened: `wrong-key` when another key sealed them, else `corrupt`. */
export class SealError extends Error {
  readonly reason: 'wrong-key' | 'corrupt';

  constructor(reason: 'wrong-key' | 'corrupt') {
    super(reason === 'wrong-key' ? 'sealed with another key' : 'the sealed bytes are damaged or misplaced');
    this.name = 'SealError';
    this.reason = reason;
  }
}

const VERSION = 1;
const KEY_ID_BYTES = 8;
/** NIST SP 800-38D §8.2.2: 96 random bits, good for 2^32 seals under one key. */
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEADER_BYTES = 1 + KEY_ID_BYTES;

/**
 * Gives a sealer for one key (AES-256-GCM, NIST SP 800-38D).
 *
 * Sealed form: version byte, 8 bytes of key id, nonce, ciphertext, tag. Header and context are authenticated.
 *
 * @param key - exactly 32 bytes of full entropy; @throws RangeError otherwise
 */
export function makeSealer(key: Uint8Array): Sealer {
  if (key.length !== 32) throw new RangeError('a sealing key has 32 bytes');
  const secret = Uint8Array.from(key);
  const id = createHash('sha256').update('sealing key id').update(secret).digest().subarray(0, KEY_ID_BYTES);
  const header = Buffer.concat([Buffer.of(VERSION), id]);

  const seal = (plain: Uint8Array, context: string): Uint8Array => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', secret, nonce, { authTagLength: TAG_BYTES });
    cipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
    return Buffer.concat([header, nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  };

  const open = (sealed: Uint8Array, context: string): Uint8Array => {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength);
    if (bytes.length < HEADER_BYTES + NONCE_BYTES + TAG_BYTES || bytes[0] !== VERSION) {
      throw new SealError('corrupt');
    }
    if (!bytes.subarray(1, HEADER_BYTES).equals(id)) throw new SealError('wrong-key');
    const nonce = bytes.subarray(HEADER_BYTES, HEADER_BYTES + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', secret, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(Buffer.concat([header, Buffer.from(context)]));
    decipher.setAuthTag(bytes.subarray(bytes.length - TAG_BYTES));
    try {
      const body = bytes.subarray(HEADER_BYTES + NONCE_BYTES, bytes.length - TAG_BYTES);
      return Buffer.concat([decipher.update(body), decipher.final()]);
    } catch {
      throw new SealError('corrupt');
    }
  };

  return { keyId: id.toString('hex'), seal, open };
}
