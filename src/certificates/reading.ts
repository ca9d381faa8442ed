import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { encryptionCost, MAX_ITERATIONS } from './key-encryption.ts';
import { MAX_BYTES, type PemBlock, pemBlocks } from './pem.ts';
import { type Problem, problem } from './problem.ts';

/** Most certificates of one upload, the leaf included. */
const MAX_CERTIFICATES = 10;

/** What could be read of a pair; whatever could not is told by a problem, so that the rest can be checked all the same. */
export interface Reading {
  /** In the order given; the leaf first when the order is right. */
  readonly certificates: readonly X509Certificate[];
  readonly key: KeyObject | undefined;
  readonly problems: readonly Problem[];
}

/** Gives the certificate that the key belongs to, the first one when there is no such. */
export function leafOf({ certificates, key }: Reading): X509Certificate | undefined {
  const matching = key === undefined ? undefined : certificates.find((one) => one.checkPrivateKey(key));
  return matching ?? certificates[0];
}

/** A pair as PEM. */
export interface PemSource {
  /** Leaf first, then whoever signed it, and so on. */
  readonly certificate: string;
  readonly key: string;
  readonly passphrase?: string | undefined;
}

const CERTIFICATE_LABELS = new Set(['CERTIFICATE', 'X509 CERTIFICATE', 'TRUSTED CERTIFICATE']);

function isKey(block: PemBlock): boolean {
  return block.label.endsWith('PRIVATE KEY');
}

function isCertificate(block: PemBlock): boolean {
  return CERTIFICATE_LABELS.has(block.label);
}

/** Gives a certificate whose key and dates can be read too. @throws Error otherwise */
function wholeCertificate(source: string | Uint8Array): X509Certificate {
  const certificate = new X509Certificate(source);
  const { publicKey, validFromDate, validToDate } = certificate;
  const dated = Number.isFinite(validFromDate.getTime()) && Number.isFinite(validToDate.getTime());
  if (!dated || publicKey.asymmetricKeyType === undefined) throw new Error('no dates or no key');
  return certificate;
}

/** Parses certificates one by one, so that each unreadable one is told by its number. */
export function parseCertificates(
  sources: readonly (string | Uint8Array)[],
  problems: Problem[],
): readonly X509Certificate[] {
  if (sources.length > MAX_CERTIFICATES) {
    const text = `There are ${sources.length} certificates and at most ${MAX_CERTIFICATES} are accepted: send the leaf and the authorities that signed it, not a whole bundle.`;
    problems.push(problem('too-many-certificates', text));
  }
  const certificates: X509Certificate[] = [];
  for (const [index, source] of sources.slice(0, MAX_CERTIFICATES).entries()) {
    try {
      certificates.push(wholeCertificate(source));
    } catch {
      problems.push(
        problem('certificate-unreadable', `Certificate ${index + 1} is damaged: it cannot be read as X.509.`),
      );
    }
  }
  return certificates;
}

function readCertificates(text: string, problems: Problem[]): readonly X509Certificate[] {
  const all = pemBlocks(text);
  const blocks = all.filter(isCertificate);
  if (blocks.length > 0)
    return parseCertificates(
      blocks.map((block) => block.text),
      problems,
    );
  const hint = (): string => {
    if (all.some(isKey)) return 'It holds a private key: certificate and key may have been swapped.';
    if (all.some((block) => block.label.endsWith('CERTIFICATE REQUEST'))) {
      return 'It holds a signing request: send the certificate that the authority gave for it.';
    }
    if (all.some((block) => block.label === 'PKCS7'))
      return 'It holds PKCS#7: convert it with `openssl pkcs7 -print_certs`.';
    if (text.includes('-----BEGIN CERTIFICATE-----'))
      return 'It was cut off: the END line is missing or damaged.';
    if (text.trim() === '') return 'It is empty.';
    return 'It must contain `-----BEGIN CERTIFICATE-----`; DER is converted with `openssl x509 -inform der`.';
  };
  problems.push(problem('no-certificate', `There is no certificate in the certificate text. ${hint()}`));
  return [];
}

function isEncrypted(block: PemBlock): boolean {
  return block.label === 'ENCRYPTED PRIVATE KEY' || block.text.includes('Proc-Type: 4,ENCRYPTED');
}

function openKey(block: PemBlock, passphrase: string | undefined): KeyObject | Problem {
  const encrypted = isEncrypted(block);
  if (encrypted && (passphrase === undefined || passphrase === '')) {
    return problem('passphrase-missing', 'The key is encrypted and no passphrase was given.');
  }
  if (block.label === 'ENCRYPTED PRIVATE KEY' && encryptionCost(block.text) > MAX_ITERATIONS) {
    return problem(
      'passphrase-cost',
      `The key is encrypted with more than ${MAX_ITERATIONS} iterations: encrypt it anew with fewer.`,
    );
  }
  try {
    return createPrivateKey(
      encrypted ? { key: block.text, passphrase: passphrase ?? '' } : { key: block.text },
    );
  } catch {
    if (!encrypted)
      return problem('key-unreadable', 'The key is damaged or of a kind that is not supported.');
    return problem('passphrase-wrong', 'The passphrase does not open the key.');
  }
}

function readKey(source: PemSource, problems: Problem[]): KeyObject | undefined {
  const all = pemBlocks(source.key);
  const blocks = all.filter(isKey);
  const [block] = blocks;
  if (block === undefined) {
    const publicOnly = all.some((candidate) => candidate.label.endsWith('PUBLIC KEY'));
    const certificate = all.some(isCertificate);
    const cut = source.key.includes('PRIVATE KEY-----');
    let hint = 'It must contain `-----BEGIN PRIVATE KEY-----`.';
    if (cut) hint = 'It was cut off: the END line is missing or damaged.';
    else if (publicOnly) hint = 'It holds a public key.';
    else if (certificate) hint = 'It holds a certificate: certificate and key may have been swapped.';
    problems.push(problem('no-key', `There is no private key in the key text. ${hint}`));
    return undefined;
  }
  if (blocks.length > 1) {
    problems.push(
      problem(
        'several-keys',
        `The key text holds ${blocks.length} private keys: send only the one of the certificate.`,
      ),
    );
    return undefined;
  }
  const key = openKey(block, source.passphrase);
  if ('word' in key) {
    problems.push(key);
    return undefined;
  }
  return key;
}

/**
 * Reads a pair from PEM: PKCS#8, PKCS#1 and SEC 1 keys, encrypted or not. Never throws.
 *
 * @param source - 1 MiB at most for each text
 *
 * Security: a key whose encryption asks for more than 1,000,000 iterations is refused before any is made.
 */
export function readPair(source: PemSource): Reading {
  const problems: Problem[] = [];
  for (const [what, text] of [
    ['certificate', source.certificate],
    ['key', source.key],
  ] as const) {
    if (text.length > MAX_BYTES)
      problems.push(problem('too-large', `The ${what} text is larger than 1 MiB.`));
  }
  if (problems.length > 0) return { certificates: [], key: undefined, problems };
  const certificates = readCertificates(source.certificate, problems);
  const key = readKey(source, problems);
  return { certificates, key, problems };
}
