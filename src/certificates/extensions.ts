import type { X509Certificate } from 'node:crypto';
import { children, content, type DerNode, decode, dotted, isTagged, isType, small } from './der.ts';
import { addressText, canonicalName } from './host-name.ts';
import { type NameConstraints, readNameConstraints } from './name-constraints.ts';

const KEY_USAGE = '2.5.29.15';
const SUBJECT_ALT_NAME = '2.5.29.17';
const BASIC_CONSTRAINTS = '2.5.29.19';
const NAME_CONSTRAINTS = '2.5.29.30';
const AUTHORITY_KEY_ID = '2.5.29.35';
const TLS_FEATURE = '1.3.6.1.5.5.7.1.24';
const BOOLEAN = 1;
const INTEGER = 2;
const OCTET_STRING = 4;

/** What a key may be used for (RFC 5280 §4.2.1.3), as far as it matters here. */
export interface KeyUsage {
  readonly digitalSignature: boolean;
  readonly keyCertSign: boolean;
}

/** What node:crypto does not tell of a certificate's extensions, or only as text made for people. */
export interface Extensions {
  /** Host names and addresses of the subject alternative name, canonical, in their order, without doubles. */
  readonly names: readonly string[];
  /** How many entries of the subject alternative name are host names that nothing can match, e.g. `a*.example.com`. */
  readonly unusableNames: number;
  /** Whether the certificate demands a stapled OCSP answer (RFC 7633). */
  readonly mustStaple: boolean;
  /** Object identifiers of those that must be understood or the certificate refused. */
  readonly critical: readonly string[];
  /** `undefined` when nothing is said: then every use is allowed. Node's `keyUsage` is the extended one. */
  readonly keyUsage: KeyUsage | undefined;
  /** Whether the certificate says that it is an authority; what node:crypto says depends on the key usage as well. */
  readonly ca: boolean;
  /** Most authorities between this one and a leaf, `undefined` for any number (RFC 5280 §4.2.1.9). */
  readonly pathLength: number | undefined;
  readonly nameConstraints: NameConstraints | undefined;
}

interface Extension {
  readonly critical: boolean;
  readonly value: Buffer;
}

function extensionsOf(certificate: X509Certificate): ReadonlyMap<string, Extension> {
  const found = new Map<string, Extension>();
  const [tbs] = children(decode(certificate.raw));
  const list = children(tbs).find((node) => isTagged(node, 3));
  if (list === undefined) return found;
  for (const extension of children(children(list)[0])) {
    const [id, ...rest] = children(extension);
    const name = dotted(id);
    if (found.has(name)) throw new Error('an extension is there twice');
    const flag = rest.find((node) => isType(node, BOOLEAN));
    found.set(name, {
      critical: flag !== undefined && content(flag)[0] !== 0,
      value: content(rest.find((node) => isType(node, OCTET_STRING))),
    });
  }
  return found;
}

function generalNames(extension: Extension | undefined): readonly DerNode[] {
  return extension === undefined ? [] : children(decode(extension.value));
}

function namesOf(extension: Extension | undefined): Pick<Extensions, 'names' | 'unusableNames'> {
  const names = new Set<string>();
  let unusableNames = 0;
  for (const node of generalNames(extension)) {
    if (!isTagged(node, 2) && !isTagged(node, 7)) continue;
    const bytes = content(node);
    const name = isTagged(node, 2) ? canonicalName(bytes.toString('latin1')) : addressText(bytes);
    if (name === undefined) unusableNames++;
    else names.add(name);
  }
  return { names: [...names], unusableNames };
}

/** The first byte of a BIT STRING tells how many of its last bits do not count, which are zero in DER. */
function keyUsageOf(extension: Extension | undefined): KeyUsage | undefined {
  if (extension === undefined) return undefined;
  const bits = content(decode(extension.value))[1] ?? 0;
  return { digitalSignature: (bits & 0x80) !== 0, keyCertSign: (bits & 0x04) !== 0 };
}

function basicConstraintsOf(extension: Extension | undefined): Pick<Extensions, 'ca' | 'pathLength'> {
  const parts = extension === undefined ? [] : children(decode(extension.value));
  const flag = parts.find((node) => isType(node, BOOLEAN));
  const length = parts.find((node) => isType(node, INTEGER));
  return {
    ca: flag !== undefined && content(flag)[0] !== 0,
    pathLength: length === undefined ? undefined : small(length),
  };
}

/** Gives what a certificate's extensions say (RFC 5280 §4.2). @throws Error when they are not DER, or one is there twice */
export function readExtensions(certificate: X509Certificate): Extensions {
  const found = extensionsOf(certificate);
  const constraints = found.get(NAME_CONSTRAINTS);
  return {
    ...namesOf(found.get(SUBJECT_ALT_NAME)),
    ...basicConstraintsOf(found.get(BASIC_CONSTRAINTS)),
    mustStaple: found.has(TLS_FEATURE),
    critical: [...found].filter(([, { critical }]) => critical).map(([id]) => id),
    keyUsage: keyUsageOf(found.get(KEY_USAGE)),
    nameConstraints: constraints === undefined ? undefined : readNameConstraints(constraints.value),
  };
}

/** Gives the entries of the subject alternative name that are texts, by the number of their choice (RFC 5280 §4.2.1.6). @throws Error when they are not DER */
export function subjectAltNames(
  certificate: X509Certificate,
): readonly { readonly type: number; readonly text: string }[] {
  const names: { type: number; text: string }[] = [];
  for (const node of generalNames(extensionsOf(certificate).get(SUBJECT_ALT_NAME))) {
    const type = [1, 2, 6].find((choice) => isTagged(node, choice));
    if (type !== undefined) names.push({ type, text: content(node).toString('latin1') });
  }
  return names;
}

/** Gives the id of the key that signed a certificate (RFC 5280 §4.2.1.1), `undefined` when it is not named. @throws Error when it is not DER */
export function authorityKeyId(certificate: X509Certificate): Buffer | undefined {
  const extension = extensionsOf(certificate).get(AUTHORITY_KEY_ID);
  if (extension === undefined) return undefined;
  const id = children(decode(extension.value)).find((node) => isTagged(node, 0));
  return id === undefined ? undefined : content(id);
}
