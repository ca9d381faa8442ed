import { createHash, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { createSecureContext, type SecureContext } from 'node:tls';
import { encode, octets } from '../der.ts';
import { buildCertificate } from '../x509-builder.ts';

const ACME_IDENTIFIER = '1.3.6.1.5.5.7.1.31';
const DAY_MS = 24 * 3600_000;

/**
 * Gives the context that answers a TLS-ALPN-01 challenge: a certificate that signs itself, for the host alone, with the digest
 * of the key authorization in a critical extension (RFC 8737 §3).
 */
export function challengeContext(host: string, keyAuthorization: string, now: number): SecureContext {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const digest = createHash('sha256').update(keyAuthorization).digest();
  const subject = 'ACME challenge';
  const certificate = buildCertificate({
    subject,
    publicKey: createPublicKey(privateKey),
    issuer: { subject, key: privateKey },
    notBeforeMs: now - DAY_MS,
    notAfterMs: now + DAY_MS,
    names: [host],
    extra: [{ id: ACME_IDENTIFIER, value: encode(octets(digest)), critical: true }],
  });
  const key = privateKey.export({ type: 'pkcs8', format: 'pem' });
  return createSecureContext({ key, cert: certificate, minVersion: 'TLSv1.2' });
}
