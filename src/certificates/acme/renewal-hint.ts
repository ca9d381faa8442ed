import { X509Certificate } from 'node:crypto';
import type { Clock } from '../../lib/clock.ts';
import { authorityKeyId } from '../extensions.ts';
import { type Directory, fieldsOf, getResource, malformed } from './acme-connection.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Wire } from './wire.ts';

/** When the CA wants a certificate to be renewed. */
export interface RenewalHint {
  /** Chosen at random in the window that the CA suggests. */
  readonly renewAtMs: number;
  /** When the CA is to be asked again. */
  readonly askAgainAtMs: number;
}

const SIX_HOURS_MS = 6 * 3600_000;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3600_000;

/**
 * Gives the id of a certificate for renewal hints (RFC 9773 §4.1): key id of its authority and serial number.
 *
 * @param certificate - PEM, leaf first
 * @returns `undefined` for a certificate that does not name the key of its authority
 */
export function renewalId(certificate: string): string | undefined {
  const leaf = new X509Certificate(certificate);
  const authority = authorityKeyId(leaf);
  if (authority === undefined) return undefined;
  const hex = leaf.serialNumber.length % 2 === 0 ? leaf.serialNumber : `0${leaf.serialNumber}`;
  const serial = Buffer.from(hex, 'hex');
  // The content of the DER integer: positive, so a first byte with its high bit set has a zero before it.
  const content = (serial[0] ?? 0) >= 0x80 ? Buffer.concat([Buffer.of(0), serial]) : serial;
  return `${authority.toString('base64url')}.${content.toString('base64url')}`;
}

/**
 * Asks the CA when a certificate should be renewed (RFC 9773 §4.2).
 *
 * @returns `undefined` when the CA gives no hints
 * @throws AcmeError
 */
export async function readRenewalHint(
  wire: Pick<Wire, 'ask'>,
  { renewalInfo }: Pick<Directory, 'renewalInfo'>,
  id: string,
  clock: Clock,
): Promise<RenewalHint | undefined> {
  if (renewalInfo === undefined) return undefined;
  const url = `${renewalInfo.replace(/\/$/, '')}/${id}`;
  const reply = await getResource(wire, url, 'a renewal hint', clock);
  const window = fieldsOf(reply).fields('suggestedWindow');
  const start = Date.parse(window.text('start'));
  const end = Date.parse(window.text('end'));
  if (Number.isNaN(start) || Number.isNaN(end) || end <= start) throw malformed('a renewal window');
  const now = clock();
  const asked = retryAfterMs(reply.headers['retry-after'], now) ?? SIX_HOURS_MS;
  return {
    renewAtMs: start + Math.random() * (end - start),
    askAgainAtMs: now + Math.min(DAY_MS, Math.max(MINUTE_MS, asked)),
  };
}
