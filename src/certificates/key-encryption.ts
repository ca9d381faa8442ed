/**
 * Password-based encryption as PKCS#8 and PKCS#12 use it. Comes in: an AlgorithmIdentifier, bytes, a passphrase.
 * Goes out: the plain bytes. node:crypto does the work; only RC2, which it no longer knows, is left to node-forge.
 */

import { createDecipheriv } from 'node:crypto';
import forge from 'node-forge';
import { children, content, type DerNode, dotted, isType, small } from './der.ts';
import { deriveKey } from './key-derivation.ts';
import { KeyEncryptionError } from './key-encryption-error.ts';
import { derivePkcs12 } from './pkcs12-derivation.ts';

const OCTET_STRING = 4;
const PBES2 = '1.2.840.113549.1.5.13';
const PBE_SHA1_3DES = '1.2.840.113549.1.12.1.3';
const PBE_SHA1_RC2_40 = '1.2.840.113549.1.12.1.6';

const CIPHERS: Readonly<Record<string, { readonly name: string; readonly keyBytes: number }>> = {
  '2.16.840.1.101.3.4.1.2': { name: 'aes-128-cbc', keyBytes: 16 },
  '2.16.840.1.101.3.4.1.22': { name: 'aes-192-cbc', keyBytes: 24 },
  '2.16.840.1.101.3.4.1.42': { name: 'aes-256-cbc', keyBytes: 32 },
  '1.2.840.113549.3.7': { name: 'des-ede3-cbc', keyBytes: 24 },
};

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

async function decryptPbes2(
  parameters: DerNode | undefined,
  bytes: Buffer,
  passphrase: string,
): Promise<Buffer> {
  const [derivation, scheme] = children(parameters);
  const [schemeId, iv] = children(scheme);
  const cipher = CIPHERS[dotted(schemeId)];
  if (cipher === undefined || !isType(iv, OCTET_STRING))
    throw new KeyEncryptionError('unsupported', `The cipher ${dotted(schemeId)} is not supported.`);
  const key = await deriveKey(derivation, passphrase, cipher.keyBytes);
  return decipher(cipher.name, key, content(iv), bytes);
}

/**
 * Gives what was encrypted under a passphrase.
 *
 * @param algorithm - AlgorithmIdentifier: PBES2 with PBKDF2 or scrypt and AES or 3DES, or PKCS#12's own with 3DES or RC2-40
 * @throws KeyEncryptionError when not supported or too costly; Error when the passphrase is wrong
 *
 * Security: see `deriveKey` and `derivePkcs12`; the event loop does not wait for a derivation.
 */
export async function decrypt(
  algorithm: DerNode | undefined,
  bytes: Buffer,
  passphrase: string,
): Promise<Buffer> {
  const [id, parameters] = children(algorithm);
  const name = dotted(id);
  if (name === PBES2) return await decryptPbes2(parameters, bytes, passphrase);
  if (name !== PBE_SHA1_3DES && name !== PBE_SHA1_RC2_40)
    throw new KeyEncryptionError('unsupported', `The encryption ${name} is not supported.`);
  const [salt, iterations] = children(parameters);
  const from = { digest: 'sha1', passphrase, salt: content(salt), iterations: small(iterations) };
  const key = await derivePkcs12(from, 1, name === PBE_SHA1_3DES ? 24 : 5);
  const iv = await derivePkcs12(from, 2, 8);
  return name === PBE_SHA1_3DES ? decipher('des-ede3-cbc', key, iv, bytes) : decipherRc2(key, iv, bytes);
}
