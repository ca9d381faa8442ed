import type { X509Certificate } from 'node:crypto';
import { children, type DerNode, decode, isTagged } from './der.ts';

/** Places of fields where there is no version before them (RFC 5280 §4.1). */
const PLACES = { subject: 4, publicKey: 5 } as const;

/** Gives a field of what was signed of a certificate, the TBSCertificate. @throws Error when it is not DER */
export function tbsField(certificate: X509Certificate, field: keyof typeof PLACES): DerNode | undefined {
  const fields = children(children(decode(certificate.raw))[0]);
  // Version, a tagged field, is absent from certificates of version 1.
  return fields[PLACES[field] + (isTagged(fields[0], 0) ? 1 : 0)];
}
