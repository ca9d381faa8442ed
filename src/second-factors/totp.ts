import { createHmac, timingSafeEqual } from 'node:crypto';
import { base32 } from '../lib/base32.ts';

/** Seconds that one code counts (RFC 6238 §4.1). */
const STEP_SEC = 30;
const DIGITS = 6;
/** Steps before and after the present one that are accepted, for clocks that differ (RFC 6238 §5.2). */
const WINDOW = 1;

/** Bytes of a secret: as long as the hash (RFC 4226 §4, R6). */
export const TOTP_SECRET_BYTES = 20;

/** Gives the code of one step: SHA-1, 6 digits, which is what every app understands (RFC 6238 §4, RFC 4226 §5.3). */
export function totpCode(secret: Uint8Array, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(step));
  const mac = createHmac('sha1', secret).update(counter).digest();
  const offset = (mac[mac.length - 1] ?? 0) & 0xf;
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** DIGITS;
  return String(number).padStart(DIGITS, '0');
}

/**
 * Gives the step whose code this is, or `undefined`.
 *
 * @param code - digits; spaces are passed over
 * @param nextStep - oldest step that may be accepted yet: the one after the last that was
 *
 * Security: a code is accepted once (RFC 6238 §5.2): neither its step nor an older one counts again.
 */
export function matchTotp(
  secret: Uint8Array,
  code: string,
  nowSec: number,
  nextStep: number,
): number | undefined {
  const digits = code.replaceAll(' ', '');
  if (!/^[0-9]{6}$/.test(digits)) return undefined;
  const present = Math.floor(nowSec / STEP_SEC);
  let found: number | undefined;
  for (let step = present - WINDOW; step <= present + WINDOW; step++) {
    const isRight = timingSafeEqual(Buffer.from(totpCode(secret, step)), Buffer.from(digits));
    if (isRight && step >= nextStep) found ??= step;
  }
  return found;
}

/** Gives the address that authenticator apps read from a QR code. */
export function totpUri(secret: Uint8Array, issuer: string, user: string): string {
  const label = `${encodeURIComponent(issuer)}:${encodeURIComponent(user)}`;
  const written = base32(secret).toUpperCase();
  return `otpauth://totp/${label}?secret=${written}&issuer=${encodeURIComponent(issuer)}&algorithm=SHA1&digits=${DIGITS}&period=${STEP_SEC}`;
}
