import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { newKey } from './new-key.ts';
import { readIfThere, writeOnce } from './private-file.ts';
import { buildCertificate } from './x509-builder.ts';

/** A certificate authority for development. Its key can sign for any name: no machine but the developer's may trust it. */
export interface DevCa {
  readonly subject: string;
  readonly certificate: string;
  readonly key: KeyObject;
  readonly clock: Clock;
}

/** What a dev certificate shall say. */
export interface DevLeafOrder {
  /** Host names, one-label wildcards and IP addresses; at least one. */
  readonly names: readonly string[];
  readonly keyType: 'ecdsa' | 'rsa';
  /** Days of life from now, at most 397 as browsers want; default 90. */
  readonly days?: number;
}

/** A certificate with its chain and key, as text. */
export interface PemPair {
  /** Leaf first, then the authority; PEM. */
  readonly certificate: string;
  /** PKCS#8, PEM. */
  readonly key: string;
}

const DAY_MS = 24 * 3600_000;
const CA_DAYS = 3650;
const LEAF_DAYS = 90;
const MOST_LEAF_DAYS = 397;
/** Clocks of containers and phones differ a little: what is made now shall be valid a little earlier. */
const BACKDATE_MS = 3600_000;
const SUBJECT = 'Sallyport development CA';

function unusable(file: string, why: string, cause?: unknown): GatewayError {
  const text = `${file}: ${why}; remove dev-ca.crt and dev-ca.key to have a new development CA made`;
  return new GatewayError('SP_CONFIG_INVALID', { detail: text, reason: 'dev-ca', problems: [text], cause });
}

/**
 * Gives the development CA of a folder, and makes it on first use: `dev-ca.crt` and `dev-ca.key` (mode 0600), ECDSA P-256,
 * ten years. Processes that start together agree on one: the first key that is written is the CA's.
 *
 * @throws SP_CONFIG_INVALID when the files are damaged, do not belong together, or the CA expired
 */
export async function loadOrMakeDevCa(folder: string, clock: Clock): Promise<DevCa> {
  const keyFile = join(folder, 'dev-ca.key');
  const certificateFile = join(folder, 'dev-ca.crt');
  const keyText =
    (await readIfThere(keyFile)) ?? (await writeOnce(keyFile, (await newKey('ecdsa')).pem, 0o600));
  let key: KeyObject;
  try {
    key = createPrivateKey(keyText);
  } catch (error) {
    throw unusable(keyFile, 'the key cannot be read', error);
  }
  const make = (): string =>
    buildCertificate({
      subject: SUBJECT,
      publicKey: createPublicKey(key),
      issuer: { subject: SUBJECT, key },
      notBeforeMs: clock() - BACKDATE_MS,
      notAfterMs: clock() + CA_DAYS * DAY_MS,
      ca: true,
    });
  const certificate =
    (await readIfThere(certificateFile)) ?? (await writeOnce(certificateFile, make(), 0o644));
  let parsed: X509Certificate;
  try {
    parsed = new X509Certificate(certificate);
  } catch (error) {
    throw unusable(certificateFile, 'the certificate cannot be read', error);
  }
  if (!parsed.checkPrivateKey(key)) throw unusable(certificateFile, 'it does not belong to dev-ca.key');
  if (!parsed.ca || parsed.subject !== `CN=${SUBJECT}`)
    throw unusable(certificateFile, 'it is no development CA');
  if (parsed.validToDate.getTime() < clock()) throw unusable(certificateFile, 'it expired');
  return { subject: SUBJECT, certificate: parsed.toString(), key, clock };
}

/** Gives a new key and a certificate for it, signed by the CA, for servers; with the CA behind it as chain. */
export async function issueDevLeaf(ca: DevCa, order: DevLeafOrder): Promise<PemPair> {
  const [first] = order.names;
  if (first === undefined)
    throw new GatewayError('SP_CONFIG_INVALID', { detail: 'a dev certificate without names' });
  const days = Math.min(order.days ?? LEAF_DAYS, MOST_LEAF_DAYS);
  const { key, pem } = await newKey(order.keyType);
  const certificate = buildCertificate({
    // A common name has room for 64 characters (RFC 5280 appendix A.1).
    subject: first.length <= 64 ? first : '',
    publicKey: createPublicKey(key),
    issuer: { subject: ca.subject, key: ca.key },
    notBeforeMs: ca.clock() - BACKDATE_MS,
    notAfterMs: ca.clock() + days * DAY_MS - BACKDATE_MS,
    names: order.names,
  });
  return { certificate: certificate + ca.certificate, key: pem };
}
