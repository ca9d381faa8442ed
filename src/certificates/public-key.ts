import type { X509Certificate } from 'node:crypto';
import { children, content, decode, dotted, encode } from './der.ts';
import { tbsField } from './tbs-field.ts';

/** RSA keys of 16,384 bits, twice the longest that is accepted, have 2 KiB. */
const MAX_KEY_BYTES = 4 * 1024;
/** Browsers take public exponents of 33 bits at most. */
const MAX_EXPONENT_BYTES = 5;
const RSA = new Set(['1.2.840.113549.1.1.1', '1.2.840.113549.1.1.10']);

/**
 * Gives what is wrong with the measure of a certificate's key, in words that go on after "has"; `undefined` when it may be
 * computed with.
 *
 * @throws Error when it is not DER
 *
 * Security: to check one signature with a key beyond this measure, or only to tell its exponent, may take minutes.
 */
export function checkPublicKey(certificate: X509Certificate): string | undefined {
  const key = tbsField(certificate, 'publicKey');
  const [algorithm, bits] = children(key);
  if (content(bits).length > MAX_KEY_BYTES || (key !== undefined && encode(key).length > MAX_KEY_BYTES))
    return 'a key larger than 4 KiB, which no client accepts: use ECDSA P-256 or RSA.';
  if (!RSA.has(dotted(children(algorithm)[0]))) return undefined;
  const [, exponent] = children(decode(content(bits).subarray(1)));
  if (content(exponent).length <= MAX_EXPONENT_BYTES) return undefined;
  return 'an RSA key with a public exponent that clients refuse; 65537 is needed.';
}
