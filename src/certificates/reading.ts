import type { KeyObject, X509Certificate } from 'node:crypto';
import { parseCertificates } from './parse-certificates.ts';
import { isCertificate, isKey, MAX_BYTES, pemBlocks } from './pem.ts';
import { type Problem, problem } from './problem.ts';
import { readKey, readOpenKey } from './read-key.ts';

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

/** A pair as PEM whose key is not encrypted. */
export interface OpenPemSource {
  /** Leaf first, then whoever signed it, and so on. */
  readonly certificate: string;
  readonly key: string;
}

/** A pair as PEM. */
export interface PemSource extends OpenPemSource {
  readonly passphrase?: string | undefined;
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

function tooLarge(source: OpenPemSource): Reading | undefined {
  const problems = (['certificate', 'key'] as const)
    .filter((what) => source[what].length > MAX_BYTES)
    .map((what) => problem('too-large', `The ${what} text is larger than 1 MiB.`));
  return problems.length === 0 ? undefined : { certificates: [], key: undefined, problems };
}

function readingOf(source: OpenPemSource, key: KeyObject | Problem): Reading {
  const problems: Problem[] = [];
  const certificates = readCertificates(source.certificate, problems);
  if (!('word' in key)) return { certificates, key, problems };
  return { certificates, key: undefined, problems: [...problems, key] };
}

/**
 * Reads a pair from PEM: PKCS#8, PKCS#1 and SEC 1 keys, encrypted or not. Never rejects.
 *
 * @param source - 1 MiB at most for each text
 *
 * Security: whatever an encryption asks for, the event loop does not wait for it: see `readKey`.
 */
export async function readPair(source: PemSource): Promise<Reading> {
  return tooLarge(source) ?? readingOf(source, await readKey(source.key, source.passphrase));
}

/** Reads a pair from PEM as this program keeps it, in one step: a key that is encrypted is a problem. Never throws. */
export function readOpenPair(source: OpenPemSource): Reading {
  return tooLarge(source) ?? readingOf(source, readOpenKey(source.key));
}
