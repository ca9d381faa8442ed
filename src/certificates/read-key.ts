import type { KeyObject } from 'node:crypto';
import { children, content, type DerNode, decode } from './der.ts';
import { decrypt } from './key-encryption.ts';
import { KeyEncryptionError } from './key-encryption-error.ts';
import { decryptOldPem, isOldEncrypted } from './old-pem-encryption.ts';
import { isCertificate, isKey, type PemBlock, pemBlocks } from './pem.ts';
import { type KeyForm, readPlainKey } from './plain-key.ts';
import { type Problem, problem } from './problem.ts';

const FORMS: Readonly<Record<string, KeyForm>> = {
  'PRIVATE KEY': 'pkcs8',
  'ENCRYPTED PRIVATE KEY': 'pkcs8',
  'RSA PRIVATE KEY': 'pkcs1',
  'EC PRIVATE KEY': 'sec1',
};
const ENCRYPTED = 'ENCRYPTED PRIVATE KEY';
const BASE64 = /^[A-Za-z0-9+/\s]+={0,2}\s*$/;

/** What is in the one block that holds the key. */
interface KeyBlock {
  readonly label: string;
  readonly form: KeyForm;
  readonly body: string;
}

const UNREADABLE = problem('key-unreadable', 'The key is damaged or of a kind that is not supported.');
const MISSING = problem('passphrase-missing', 'The key is encrypted and no passphrase was given.');
const WRONG = problem('passphrase-wrong', 'The passphrase does not open the key.');

function hintOf(text: string, blocks: readonly PemBlock[]): string {
  if (text.includes('PRIVATE KEY-----')) return 'It was cut off: the END line is missing or damaged.';
  if (blocks.some(({ label }) => label.endsWith('PUBLIC KEY'))) return 'It holds a public key.';
  if (blocks.some(isCertificate)) return 'It holds a certificate: certificate and key may have been swapped.';
  return 'It must contain `-----BEGIN PRIVATE KEY-----`.';
}

function findKey(text: string): KeyBlock | Problem {
  const all = pemBlocks(text);
  const [block, ...others] = all.filter(isKey);
  if (block === undefined)
    return problem('no-key', `There is no private key in the key text. ${hintOf(text, all)}`);
  if (others.length > 0) {
    const said = `The key text holds ${others.length + 1} private keys: send only the one of the certificate.`;
    return problem('several-keys', said);
  }
  const { label, body } = block;
  const form = FORMS[label];
  return form === undefined ? UNREADABLE : { label, form, body };
}

function bytesOf(base64: string): Buffer {
  if (!BASE64.test(base64)) throw new Error('not base64');
  return Buffer.from(base64, 'base64');
}

function isEncrypted({ label, body }: KeyBlock): boolean {
  return label === ENCRYPTED || isOldEncrypted(body);
}

function readBare({ body, form }: KeyBlock): KeyObject | Problem {
  return BASE64.test(body) ? readPlainKey(bytesOf(body), form) : UNREADABLE;
}

/** An EncryptedPrivateKeyInfo (RFC 5958 §3): how it is encrypted, and what. */
function encryptionOf(body: string): readonly [DerNode | undefined, Buffer] | undefined {
  try {
    const [algorithm, encrypted] = children(decode(bytesOf(body)));
    return [algorithm, content(encrypted)];
  } catch {
    return undefined;
  }
}

async function decryptBlock({ label, body }: KeyBlock, passphrase: string): Promise<Buffer | Problem> {
  if (label !== ENCRYPTED) return decryptOldPem(body, passphrase, bytesOf);
  const [algorithm, encrypted] = encryptionOf(body) ?? [];
  return encrypted === undefined ? UNREADABLE : await decrypt(algorithm, encrypted, passphrase);
}

async function openKey(block: KeyBlock, passphrase: string): Promise<KeyObject | Problem> {
  try {
    const bytes = await decryptBlock(block, passphrase);
    if (!Buffer.isBuffer(bytes)) return bytes;
    const key = readPlainKey(bytes, block.form);
    // A wrong passphrase gives a whole block of garbage now and then.
    return 'word' in key && key.word === 'key-unreadable' ? WRONG : key;
  } catch (error) {
    if (!(error instanceof KeyEncryptionError)) return WRONG;
    const word = error.word === 'unsupported' ? 'key-unreadable' : error.word;
    return problem(word, `The encryption of the key is not accepted. ${error.message}`);
  }
}

/**
 * Reads the private key of a PEM text: PKCS#8, PKCS#1 or SEC 1, encrypted or not. Never rejects.
 *
 * Security: the key is derived from the passphrase here and off the event loop, within `deriveKey`'s bounds, and OpenSSL gets to
 * see nothing that is encrypted: it would derive at once and for as long as the sender asks.
 */
export async function readKey(text: string, passphrase: string | undefined): Promise<KeyObject | Problem> {
  const block = findKey(text);
  if ('word' in block) return block;
  if (!isEncrypted(block)) return readBare(block);
  return passphrase === undefined || passphrase === '' ? MISSING : await openKey(block, passphrase);
}

/** Reads the private key of a PEM text if it is not encrypted. Never throws. */
export function readOpenKey(text: string): KeyObject | Problem {
  const block = findKey(text);
  if ('word' in block) return block;
  return isEncrypted(block) ? MISSING : readBare(block);
}
