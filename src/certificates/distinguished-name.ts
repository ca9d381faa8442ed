import type { X509Certificate } from 'node:crypto';
import { children, content, type DerNode, dotted } from './der.ts';
import { tbsField } from './tbs-field.ts';

/** Gives a distinguished name as text in which names that mean the same are alike (RFC 5280 §7.1); for comparing only. @throws Error when it is none */
export function comparableName(name: DerNode | undefined): string {
  const texts = children(name).map((set) =>
    children(set).map((attribute) => {
      const [type, value] = children(attribute);
      return [dotted(type), content(value).toString('utf8').trim().replaceAll(/\s+/g, ' ').toLowerCase()];
    }),
  );
  return JSON.stringify(texts);
}

/** Gives the name of whom a certificate speaks of, as `comparableName` does. @throws Error when it is not DER */
export function subjectName(certificate: X509Certificate): string {
  return comparableName(tbsField(certificate, 'subject'));
}
