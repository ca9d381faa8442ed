import { createHmac, hash, type KeyObject, timingSafeEqual, type X509Certificate } from 'node:crypto';
import { children, content, type DerNode, decode, dotted, encode, isTagged, small } from './der.ts';
import { digestOf } from './key-derivation.ts';
import { decrypt } from './key-encryption.ts';
import { KeyEncryptionError } from './key-encryption-error.ts';
import { parseCertificates } from './parse-certificates.ts';
import { derivePkcs12 } from './pkcs12-derivation.ts';
import { readPlainKey } from './plain-key.ts';
import { type Problem, problem } from './problem.ts';
import type { Reading } from './reading.ts';

/** A PKCS#12 bundle (`.p12`, `.pfx`). */
export interface Pkcs12Source {
  /** Base64, or the bytes themselves; 256 KiB at most. */
  readonly pkcs12: string | Uint8Array;
  readonly passphrase?: string | undefined;
}

const DATA = '1.2.840.113549.1.7.1';
const ENCRYPTED_DATA = '1.2.840.113549.1.7.6';
const KEY_BAG = '1.2.840.113549.1.12.10.1.1';
const SHROUDED_KEY_BAG = '1.2.840.113549.1.12.10.1.2';
const CERTIFICATE_BAG = '1.2.840.113549.1.12.10.1.3';
const X509 = '1.2.840.113549.1.9.22.1';

/** Most bytes of a bundle: ten certificates of the longest kind and their key have less than 128 KiB. */
const MAX_BUNDLE_BYTES = 256 * 1024;
/** The same in base64, with line breaks. */
const MAX_BUNDLE_TEXT = MAX_BUNDLE_BYTES * 1.4;

/** Most safes in a bundle and most bags in a safe; real bundles have two safes and a bag per certificate. */
const MAX_PARTS = 32;

/** Longest chain of key derivations that one bundle may ask for. */
const MAX_ENCRYPTED = 4;

interface Bags {
  readonly keys: (KeyObject | Problem)[];
  readonly certificates: Buffer[];
  encrypted: number;
}

class WrongPassphrase extends Error {}

/** Checks the bundle's MAC, which is also the proof that the passphrase is right (RFC 7292 §4). */
async function checkMac(mac: DerNode, safes: Uint8Array, passphrase: string): Promise<void> {
  const [digestInfo, salt, iterations] = children(mac);
  const [algorithm, expected] = children(digestInfo);
  const digest = digestOf(dotted(children(algorithm)[0]));
  const wanted = content(expected);
  // Its length is the sender's to say, and with it how much is derived.
  if (wanted.length !== hash(digest, '', 'buffer').length) throw new Error('a MAC of the wrong length');
  const count = iterations === undefined ? 1 : small(iterations);
  const from = { digest, passphrase, salt: content(salt), iterations: count };
  const key = await derivePkcs12(from, 3, wanted.length);
  const actual = createHmac(digest, key).update(safes).digest();
  if (actual.length !== wanted.length || !timingSafeEqual(actual, wanted)) throw new WrongPassphrase();
}

function bounded(nodes: readonly DerNode[]): readonly DerNode[] {
  if (nodes.length > MAX_PARTS) throw new Error('too many parts');
  return nodes;
}

async function openBag(bag: DerNode, passphrase: string, into: Bags): Promise<void> {
  const [id, value] = children(bag);
  const inner = children(value)[0];
  const kind = dotted(id);
  if (kind === CERTIFICATE_BAG) {
    const [type, wrapped] = children(inner);
    if (dotted(type) === X509) into.certificates.push(content(children(wrapped)[0]));
    return;
  }
  if (kind !== KEY_BAG && kind !== SHROUDED_KEY_BAG) return;
  if (inner === undefined) throw new Error('an empty bag');
  into.keys.push(await openKey(inner, kind === SHROUDED_KEY_BAG, passphrase, into));
}

async function openKey(
  inner: DerNode,
  shrouded: boolean,
  passphrase: string,
  into: Bags,
): Promise<KeyObject | Problem> {
  if (!shrouded) return readPlainKey(encode(inner), 'pkcs8');
  const [algorithm, encrypted] = children(inner);
  const key = readPlainKey(await open(algorithm, content(encrypted), passphrase, into), 'pkcs8');
  // Without a MAC, a wrong passphrase gives a whole block of garbage now and then.
  if ('word' in key && key.word === 'key-unreadable') throw new WrongPassphrase();
  return key;
}

async function open(
  algorithm: DerNode | undefined,
  bytes: Buffer,
  passphrase: string,
  into: Bags,
): Promise<Buffer> {
  if (algorithm === undefined || ++into.encrypted > MAX_ENCRYPTED)
    throw new Error('too many encrypted parts');
  try {
    return await decrypt(algorithm, bytes, passphrase);
  } catch (error) {
    if (error instanceof KeyEncryptionError) throw error;
    throw new WrongPassphrase();
  }
}

async function openSafe(safe: DerNode, passphrase: string, into: Bags): Promise<void> {
  const [id, wrapped] = children(safe);
  const inner = children(wrapped)[0];
  let bytes: Buffer;
  switch (dotted(id)) {
    case DATA:
      bytes = content(inner);
      break;
    case ENCRYPTED_DATA: {
      const [, info] = children(inner);
      const [, algorithm, encrypted] = children(info);
      if (!isTagged(encrypted, 0)) throw new Error('no content');
      bytes = await open(algorithm, content(encrypted), passphrase, into);
      break;
    }
    default:
      throw new KeyEncryptionError(
        'unsupported',
        'It is encrypted for a public key: export it with a passphrase.',
      );
  }
  for (const bag of bounded(children(decode(bytes)))) await openBag(bag, passphrase, into);
}

async function openBundle(bytes: Uint8Array, passphrase: string): Promise<Bags> {
  const [version, authenticated, mac] = children(decode(bytes));
  if (small(version) !== 3) throw new Error('not version 3');
  const [id, wrapped] = children(authenticated);
  if (dotted(id) !== DATA) {
    throw new KeyEncryptionError('unsupported', 'It is signed instead of protected by a passphrase.');
  }
  const safes = content(children(wrapped)[0]);
  if (mac !== undefined) await checkMac(mac, safes, passphrase);
  const into: Bags = { keys: [], certificates: [], encrypted: 0 };
  for (const safe of bounded(children(decode(safes)))) await openSafe(safe, passphrase, into);
  return into;
}

/** A bundle has no order: the certificate of the key comes first, and each is followed by who signed it. */
function inOrder(certificates: readonly X509Certificate[], key: KeyObject): readonly X509Certificate[] {
  const rest = [...certificates];
  const ordered: X509Certificate[] = [];
  let at = rest.findIndex((certificate) => certificate.checkPrivateKey(key));
  while (at >= 0) {
    const [next] = rest.splice(at, 1);
    if (next === undefined) break;
    ordered.push(next);
    at = rest.findIndex((candidate) => candidate.subject === next.issuer);
  }
  return [...ordered, ...rest];
}

function whatIsWrong(error: unknown, given: boolean): Problem {
  if (error instanceof KeyEncryptionError) {
    const word = error.word === 'unsupported' ? 'pkcs12-unreadable' : error.word;
    return problem(word, `The PKCS#12 bundle is not accepted. ${error.message}`);
  }
  if (!(error instanceof WrongPassphrase)) {
    return problem('pkcs12-unreadable', 'The PKCS#12 bundle is damaged, or it is something else.');
  }
  if (!given)
    return problem('passphrase-missing', 'The PKCS#12 bundle is encrypted and no passphrase was given.');
  return problem('passphrase-wrong', 'The passphrase does not open the PKCS#12 bundle.');
}

function decodeBase64(text: string): Buffer | undefined {
  const bare = text.replace(/\s+/g, '');
  return /^[A-Za-z0-9+/_-]+={0,2}$/.test(bare) ? Buffer.from(bare, 'base64') : undefined;
}

function failed(...problems: readonly Problem[]): Reading {
  return { certificates: [], key: undefined, problems };
}

/**
 * Reads a pair from a PKCS#12 bundle with RSA or EC key: PBES2 (AES) and the legacy encryptions (3DES, RC2-40). Never rejects.
 *
 * @see RFC 7292
 *
 * Security: size, nesting, parts and what derivations ask for are bounded before work is done; a long derivation lets other
 * work run.
 */
export async function readPkcs12(source: Pkcs12Source): Promise<Reading> {
  const { pkcs12, passphrase = '' } = source;
  if (pkcs12.length > (typeof pkcs12 === 'string' ? MAX_BUNDLE_TEXT : MAX_BUNDLE_BYTES)) {
    return failed(problem('too-large', 'The PKCS#12 bundle is larger than 256 KiB.'));
  }
  const bytes = typeof pkcs12 === 'string' ? decodeBase64(pkcs12) : pkcs12;
  if (bytes === undefined) return failed(problem('pkcs12-unreadable', 'The PKCS#12 bundle is not base64.'));
  let bags: Bags;
  try {
    bags = await openBundle(bytes, passphrase);
  } catch (error) {
    return failed(whatIsWrong(error, passphrase !== ''));
  }
  return readingOf(bags);
}

function readingOf({ keys, certificates: found }: Bags): Reading {
  const problems: Problem[] = [];
  const certificates = parseCertificates(found, problems);
  if (found.length === 0) {
    problems.push(problem('no-certificate', 'There is no certificate in the PKCS#12 bundle.'));
  }
  const [key, ...others] = keys;
  if (key === undefined) {
    problems.push(
      problem('no-key', 'There is no private key in the PKCS#12 bundle: export it with its key.'),
    );
    return { certificates, key: undefined, problems };
  }
  if (others.length > 0) {
    problems.push(
      problem('several-keys', `The PKCS#12 bundle holds ${keys.length} private keys: export only one.`),
    );
  }
  if ('word' in key) return { certificates, key: undefined, problems: [...problems, key] };
  return { certificates: inOrder(certificates, key), key, problems };
}
