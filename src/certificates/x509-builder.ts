import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto';
import { alternativeName } from './alternative-name.ts';
import { cnSubject } from './cn-subject.ts';
import {
  bits,
  boolean,
  children,
  content,
  type DerNode,
  decode,
  encode,
  integer,
  none,
  octets,
  oid,
  retagged,
  sequence,
  tagged,
  time,
} from './der.ts';

/** Digest of a signature; the weak ones are for tests of refusals. */
export type SignatureHash = 'md5' | 'sha1' | 'sha256' | 'sha384' | 'sha512';

/** What a certificate shall say. Nothing is checked: tests make bad certificates with it. */
export interface CertificateSpec {
  /** Common name; empty for no name at all. */
  readonly subject: string;
  readonly publicKey: KeyObject;
  /** Who signs; a certificate that signs itself names its own subject and private key. */
  readonly issuer: { readonly subject: string; readonly key: KeyObject };
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly ca?: boolean;
  /** Host names and IP addresses; absent or empty: no subject alternative name. */
  readonly names?: readonly string[];
  /** Extended key usages by object identifier; default serverAuth for a leaf, none for a CA. */
  readonly usages?: readonly string[];
  /** Default sha256. Ignored for Ed25519. */
  readonly hash?: SignatureHash;
  /** Further extensions; one that is there anyway is replaced. */
  readonly extra?: readonly CertificateExtension[];
}

/** An extension as it shall be written. */
export interface CertificateExtension {
  readonly id: string;
  /** DER. */
  readonly value: Uint8Array;
  readonly critical?: boolean;
}

const SERVER_AUTH = '1.3.6.1.5.5.7.3.1';
const ED25519 = '1.3.101.112';

const RSA_SIGNATURES: Record<SignatureHash, string> = {
  md5: '1.2.840.113549.1.1.4',
  sha1: '1.2.840.113549.1.1.5',
  sha256: '1.2.840.113549.1.1.11',
  sha384: '1.2.840.113549.1.1.12',
  sha512: '1.2.840.113549.1.1.13',
};

const ECDSA_SIGNATURES: Record<SignatureHash, string | undefined> = {
  md5: undefined,
  sha1: '1.2.840.10045.4.1',
  sha256: '1.2.840.10045.4.3.2',
  sha384: '1.2.840.10045.4.3.3',
  sha512: '1.2.840.10045.4.3.4',
};

function signatureAlgorithm(key: KeyObject, hash: SignatureHash): DerNode {
  if (key.asymmetricKeyType === 'ed25519') return sequence(oid(ED25519));
  if (key.asymmetricKeyType === 'rsa') return sequence(oid(RSA_SIGNATURES[hash]), none());
  const id = ECDSA_SIGNATURES[hash];
  if (key.asymmetricKeyType !== 'ec' || id === undefined)
    throw new Error(`no ${hash} signature for this key`);
  return sequence(oid(id));
}

/** RFC 5280 §4.2.1.2, method 1: SHA-1 of the key's bit string. It names the key and protects nothing. */
function keyId(key: KeyObject): Buffer {
  const spki = decode(key.export({ type: 'spki', format: 'der' }));
  return createHash('sha1')
    .update(content(children(spki)[1]).subarray(1))
    .digest();
}

function extension({ id, critical = false, value }: CertificateExtension): DerNode {
  return critical ? sequence(oid(id), boolean(true), octets(value)) : sequence(oid(id), octets(value));
}

function extensionsOf(spec: CertificateSpec): DerNode {
  const ca = spec.ca === true;
  const usages = spec.usages ?? (ca ? [] : [SERVER_AUTH]);
  const signer = keyId(createPublicKey(spec.issuer.key));
  const list: CertificateExtension[] = [
    { id: '2.5.29.19', critical: true, value: encode(ca ? sequence(boolean(true)) : sequence()) },
    // keyCertSign and cRLSign for a CA; digitalSignature, all that an ephemeral key exchange needs, for a leaf
    {
      id: '2.5.29.15',
      critical: true,
      value: encode(ca ? bits(Buffer.of(0x06), 1) : bits(Buffer.of(0x80), 7)),
    },
    { id: '2.5.29.14', value: encode(octets(keyId(spec.publicKey))) },
    { id: '2.5.29.35', value: encode(sequence(retagged(0, signer))) },
  ];
  if (usages.length > 0) list.push({ id: '2.5.29.37', value: encode(sequence(...usages.map(oid))) });
  const names = spec.names ?? [];
  if (names.length > 0) {
    // Without a subject this is the only name, so it is critical (RFC 5280 §4.2.1.6).
    const critical = spec.subject === '';
    list.push({ id: '2.5.29.17', critical, value: encode(sequence(...names.map(alternativeName))) });
  }
  const extra = spec.extra ?? [];
  const kept = list.filter(({ id }) => !extra.some((one) => one.id === id));
  return tagged(3, sequence(...[...kept, ...extra].map(extension)));
}

/** Gives a positive serial number of 16 random bytes (RFC 5280 §4.1.2.2). */
function serialNumber(): Buffer {
  const serial = randomBytes(16);
  serial[0] = ((serial[0] ?? 0) & 0x7f) | 0x40;
  return serial;
}

/**
 * Gives a signed X.509 v3 certificate as PEM, with a line feed at its end.
 *
 * @throws Error when the issuer's key cannot make such a signature
 * @see RFC 5280 §4.1
 */
export function buildCertificate(spec: CertificateSpec): string {
  const hash = spec.hash ?? 'sha256';
  const { key } = spec.issuer;
  const algorithm = signatureAlgorithm(key, hash);
  const tbs = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(serialNumber()),
    algorithm,
    cnSubject(spec.issuer.subject),
    sequence(time(spec.notBeforeMs), time(spec.notAfterMs)),
    cnSubject(spec.subject),
    decode(spec.publicKey.export({ type: 'spki', format: 'der' })),
    extensionsOf(spec),
  );
  const signature = sign(key.asymmetricKeyType === 'ed25519' ? null : hash, encode(tbs), key);
  return toPem('CERTIFICATE', encode(sequence(tbs, algorithm, bits(signature))));
}

/** Gives bytes as PEM (RFC 7468): 64 characters a line, a line feed at the end. */
export function toPem(label: string, bytes: Uint8Array): string {
  const lines =
    Buffer.from(bytes)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
