import type { X509Certificate } from 'node:crypto';
import { quotedSubject } from './subject-text.ts';

/** Gives the name of a certificate in one line, for people. */
export function nameOf(certificate: X509Certificate): string {
  return quotedSubject(certificate.subject);
}

/** Whether a certificate was signed with the key of another. */
export function signed(certificate: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return certificate.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

/** Whether a certificate names itself as its issuer, as roots do. */
export function isSelfIssued(certificate: X509Certificate): boolean {
  return certificate.subject === certificate.issuer;
}

/** Gives the certificate that signed another: by name, and the one whose signature is right if several have the name. */
function issuerOf(
  certificate: X509Certificate,
  among: readonly X509Certificate[],
): X509Certificate | undefined {
  if (isSelfIssued(certificate)) return undefined;
  const named = among.filter(
    (candidate) => candidate !== certificate && candidate.subject === certificate.issuer,
  );
  return named.find((candidate) => signed(certificate, candidate)) ?? named[0];
}

/** Gives the leaf, its issuer, and so on, as far as the certificates go. */
export function chainLinks(
  leaf: X509Certificate,
  certificates: readonly X509Certificate[],
): readonly X509Certificate[] {
  const links = [leaf];
  let next = issuerOf(leaf, certificates);
  while (next !== undefined && !links.includes(next)) {
    links.push(next);
    next = issuerOf(next, certificates);
  }
  return links;
}
