import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';

/** A private key and what is written of it. */
export interface NewKey {
  readonly key: KeyObject;
  /** PKCS#8, PEM, not encrypted. */
  readonly pem: string;
}

const generate = promisify(generateKeyPair);

/** Makes the key of a certificate on a thread of the pool: ECDSA P-256, or RSA of 2048 bits. */
export async function newKey(keyType: 'ecdsa' | 'rsa'): Promise<NewKey> {
  const { privateKey: key } =
    keyType === 'rsa'
      ? await generate('rsa', { modulusLength: 2048 })
      : await generate('ec', { namedCurve: 'P-256' });
  return { key, pem: key.export({ type: 'pkcs8', format: 'pem' }).toString() };
}
