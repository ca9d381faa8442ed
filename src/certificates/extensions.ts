import type { X509Certificate } from 'node:crypto';
import { children, content, decode, dotted, isTagged, isType } from './der.ts';
import { addressText, canonicalName } from './host-name.ts';

const SUBJECT_ALT_NAME = '2.5.29.17';
const AUTHORITY_KEY_ID = '2.5.29.35';
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
const OCTET_STRING = 4;

/** What node:crypto does not tell of a certificate's extensions, or only as text made for people. */
export interface Extensions {
  /** Host names and addresses of the subject alternative name, canonical, in their order, without doubles. */
  readonly names: readonly string[];
  /** How many entries of the subject alternative name are host names that nothing can match, e.g. `a*.example.com`. */
  readonly unusableNames: number;
  /** Whether the certificate demands a stapled OCSP answer (RFC 7633). */
  readonly mustStaple: boolean;
}

function extensionValues(certificate: X509Certificate): Map<string, Buffer> {
  const values = new Map<string, Buffer>();
  const [tbs] = children(decode(certificate.raw));
  const list = children(tbs).find((node) => isTagged(node, 3));
  if (list === undefined) return values;
  for (const extension of children(children(list)[0])) {
    const [id, ...rest] = children(extension);
    values.set(dotted(id), content(rest.find((node) => isType(node, OCTET_STRING))));
  }
  return values;
}

/** Gives names and flags of a certificate's extensions (RFC 5280 §4.2). @throws Error when they are not DER */
export function readExtensions(certificate: X509Certificate): Extensions {
  const values = extensionValues(certificate);
  const names = new Set<string>();
  let unusableNames = 0;
  const general = values.get(SUBJECT_ALT_NAME);
  for (const node of general === undefined ? [] : children(decode(general))) {
    if (!isTagged(node, 2) && !isTagged(node, 7)) continue;
    const bytes = content(node);
    const name = isTagged(node, 2) ? canonicalName(bytes.toString('latin1')) : addressText(bytes);
    if (name === undefined) unusableNames++;
    else names.add(name);
  }
  return { names: [...names], unusableNames, mustStaple: values.has(TLS_FEATURE) };
}

/** Gives the entries of the subject alternative name that are texts, by the number of their choice (RFC 5280 §4.2.1.6). @throws Error when they are not DER */
export function subjectAltNames(
  certificate: X509Certificate,
): readonly { readonly type: number; readonly text: string }[] {
  const general = extensionValues(certificate).get(SUBJECT_ALT_NAME);
  const names: { type: number; text: string }[] = [];
  for (const node of general === undefined ? [] : children(decode(general))) {
    const type = [1, 2, 6].find((choice) => isTagged(node, choice));
    if (type !== undefined) names.push({ type, text: content(node).toString('latin1') });
  }
  return names;
}

/** Gives the id of the key that signed a certificate (RFC 5280 §4.2.1.1), `undefined` when it is not named. @throws Error when it is not DER */
export function authorityKeyId(certificate: X509Certificate): Buffer | undefined {
  const value = extensionValues(certificate).get(AUTHORITY_KEY_ID);
  if (value === undefined) return undefined;
  const id = children(decode(value)).find((node) => isTagged(node, 0));
  return id === undefined ? undefined : content(id);
}
