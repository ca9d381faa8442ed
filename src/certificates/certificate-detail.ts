import { X509Certificate } from 'node:crypto';
import type { ListedCertificate } from './listed-certificate.ts';
import { pemBlocks } from './pem.ts';
import { subjectText } from './subject-text.ts';

/** A certificate of a chain. */
export interface ChainLink {
  /** Distinguished name in one line: `CN=R11, O=Let's Encrypt, C=US`. */
  readonly subject: string;
  readonly issuer: string;
  /** ISO 8601. */
  readonly notAfter: string;
  /** SHA-256, upper-case hex with colons. */
  readonly fingerprint256: string;
}

/** All that the admin API tells of one certificate; what is missing cannot be read. */
export interface CertificateDetail extends ListedCertificate {
  readonly subject?: string;
  readonly issuer?: string;
  /** Upper-case hex. */
  readonly serialNumber?: string;
  /** Of the leaf, as OpenSSL names it: `ecdsa-with-SHA256`. */
  readonly signature?: string | undefined;
  /** As it is sent, leaf first. */
  readonly chain: readonly ChainLink[];
}

/** Adds what the chain of a certificate tells. @param pem - leaf first; `undefined` when it cannot be read */
export function detailOf(view: ListedCertificate, pem: string | undefined): CertificateDetail {
  const chain = pemBlocks(pem ?? '').map(({ text }) => new X509Certificate(text));
  const [leaf] = chain;
  if (leaf === undefined) return { ...view, chain: [] };
  const { serialNumber, signatureAlgorithm: signature } = leaf;
  const links = chain.map(linkOf);
  return {
    ...view,
    subject: subjectText(leaf.subject),
    issuer: subjectText(leaf.issuer),
    serialNumber,
    signature,
    chain: links,
  };
}

function linkOf({ subject, issuer, validToDate, fingerprint256 }: X509Certificate): ChainLink {
  const notAfter = validToDate.toISOString();
  return { subject: subjectText(subject), issuer: subjectText(issuer), notAfter, fingerprint256 };
}
