import type { CertificatePair } from '../../../../src/certificates/certificate.ts';
import { Secret } from '../../../../src/lib/secret.ts';

export const DAY_MS = 24 * 3600_000;

/** Gives a pair that lives from one day to another, counted from a moment; nothing but its dates, names and fingerprint is real. */
export function pairLiving(
  fingerprint256: string,
  [fromDay, toDay]: readonly [number, number],
  nowMs: number,
  names: readonly string[] = ['a.test', 'b.test'],
): CertificatePair {
  return {
    id: fingerprint256,
    names,
    notBeforeMs: nowMs + fromDay * DAY_MS,
    notAfterMs: nowMs + toDay * DAY_MS,
    fingerprint256,
    keyType: 'ecdsa',
    keyLabel: 'ECDSA P-256',
    certificate: '',
    key: new Secret(''),
  };
}
