import { dayOf } from '../../lib/day-of.ts';
import type { FailedOrder } from '../acme/renewal.ts';
import type { CertificateView } from '../certificate-view.ts';
import type { WebhookNotice } from './webhook-notice.ts';

/** What is looked at. */
export interface Situation {
  /** What is served. */
  readonly certificates: readonly CertificateView[];
  /** What cannot be ordered. */
  readonly failures: readonly FailedOrder[];
  /** How long before its end a certificate is told of, milliseconds. */
  readonly expiryMs: readonly number[];
}

/**
 * A certificate that renews itself is told of below this part of its life only. Its renewal begins at two thirds of its
 * life, or when its CA says so, but never later than at this part: to be told means that renewals have failed for long.
 */
const OWN_RENEWAL_PART = 1 / 10;

/**
 * Gives what is to be told at a moment: of each certificate at most one thing, the most urgent, whatever was told before.
 *
 * @param nowMs - milliseconds since the epoch
 */
export function dueNotices(situation: Situation, nowMs: number): readonly WebhookNotice[] {
  const { certificates, failures, expiryMs } = situation;
  const ending = certificates.flatMap((certificate) => endNotice(certificate, expiryMs, nowMs) ?? []);
  return [...ending, ...failures.map(failureNotice)];
}

function endNotice(
  view: CertificateView,
  expiryMs: readonly number[],
  nowMs: number,
): WebhookNotice | undefined {
  const { name, names, notAfter, fingerprint256, source } = view;
  const remainingMs = Date.parse(notAfter) - nowMs;
  const remainingSec = Math.floor(remainingMs / 1000);
  const certificate = { name, names, notAfter, fingerprint256, source, remainingSec };
  const digest = fingerprint256.replaceAll(':', '').toLowerCase();
  if (remainingMs <= 0)
    return { event: 'certificate-expired', id: `certificate-expired/${digest}`, certificate };
  const reached = expiryMs.filter((ms) => remainingMs <= ms && isMeant(view, ms));
  if (reached.length === 0) return undefined;
  const id = `certificate-expiring/${digest}/${Math.min(...reached) / 1000}`;
  return { event: 'certificate-expiring', id, certificate };
}

function isMeant({ source, notBefore, notAfter }: CertificateView, thresholdMs: number): boolean {
  if (source !== 'dev' && source !== 'acme') return true;
  return thresholdMs < (Date.parse(notAfter) - Date.parse(notBefore)) * OWN_RENEWAL_PART;
}

function failureNotice({ name, names, reason, detail, atMs, againAtMs }: FailedOrder): WebhookNotice {
  const day = dayOf(atMs);
  const nextAttemptAt = new Date(againAtMs).toISOString();
  return {
    event: 'certificate-order-failed',
    id: `certificate-order-failed/${name}/${day}`,
    certificate: { name, names },
    order: { reason, detail, nextAttemptAt },
  };
}
