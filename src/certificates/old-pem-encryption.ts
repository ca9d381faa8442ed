import { createDecipheriv, hash } from 'node:crypto';
import { KeyEncryptionError } from './key-encryption-error.ts';

const KEY_BYTES: Readonly<Record<string, number>> = {
  'aes-128-cbc': 16,
  'aes-192-cbc': 24,
  'aes-256-cbc': 32,
  'des-ede3-cbc': 24,
};
const HEADS = /^Proc-Type: 4,ENCRYPTED\r?\nDEK-Info: ([A-Z0-9-]{1,32}),([0-9A-F]{16,32})\r?\n\r?\n/i;

/** Gives a key from a passphrase as OpenSSL did before PKCS#8: MD5, one iteration, the first half of the IV as salt. */
function keyOf(passphrase: string, iv: Buffer, length: number): Buffer {
  const secret = Buffer.concat([Buffer.from(passphrase), iv.subarray(0, 8)]);
  let last = Buffer.alloc(0);
  let key = last;
  while (key.length < length) {
    last = hash('md5', Buffer.concat([last, secret]), 'buffer');
    key = Buffer.concat([key, last]);
  }
  return key.subarray(0, length);
}

/** Whether the body of a PEM block is under the encryption of old PEM files. */
export function isOldEncrypted(body: string): boolean {
  return body.includes('Proc-Type: 4,ENCRYPTED');
}

/**
 * Gives what was encrypted as old PEM files are; it costs next to nothing, whatever the sender asks for.
 *
 * @param body - of the PEM block, with its head lines
 * @param decode - gives the bytes of the lines behind the head
 * @throws KeyEncryptionError when the cipher is not supported; Error when the passphrase is wrong or the head damaged
 * @see RFC 1421 §4.6.1
 */
export function decryptOldPem(body: string, passphrase: string, decode: (lines: string) => Buffer): Buffer {
  const [head, cipherName = '', ivHex = ''] = HEADS.exec(body.trimStart()) ?? [];
  if (head === undefined) throw new KeyEncryptionError('unsupported', 'Its Proc-Type lines are damaged.');
  const name = cipherName.toLowerCase();
  const keyBytes = KEY_BYTES[name];
  if (keyBytes === undefined)
    throw new KeyEncryptionError('unsupported', `The cipher ${cipherName} is not supported.`);
  const iv = Buffer.from(ivHex, 'hex');
  const cipher = createDecipheriv(name, keyOf(passphrase, iv, keyBytes), iv);
  return Buffer.concat([cipher.update(decode(body.trimStart().slice(head.length))), cipher.final()]);
}
