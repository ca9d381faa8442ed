import type { CertificateView } from '../certificate-view.ts';

/** What somebody should be told about a certificate. */
export interface WebhookNotice {
  readonly event: 'certificate-expiring' | 'certificate-expired' | 'certificate-order-failed';
  /** Equal for the same matter on every process and at every attempt; another one is another matter. */
  readonly id: string;
  readonly certificate:
    | Pick<CertificateView, 'name' | 'names'>
    | (Pick<CertificateView, 'name' | 'names' | 'notAfter' | 'fingerprint256' | 'source'> & {
        /** Until its end, whole seconds; negative after it. */
        readonly remainingSec: number;
      });
  /** Why an order failed. */
  readonly order?: {
    readonly reason: string;
    readonly detail: string;
    /** ISO 8601. */
    readonly nextAttemptAt: string;
  };
}

/** Gives a notice as it is sent. @param nowMs - time of this attempt */
export function noticeText({ event, id, certificate, order }: WebhookNotice, nowMs: number): string {
  return JSON.stringify({ event, id, at: new Date(nowMs).toISOString(), certificate, order });
}
