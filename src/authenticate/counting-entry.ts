import type { ClientCertificateConfig, RouteConfig } from '../config/config.ts';
import type { ClientCertificate, Routed } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';

/** What a host asks its clients for. */
export interface AskedFor {
  /** Name of the entry that counts on routes that name none. */
  readonly covering: string | undefined;
  readonly entries: readonly { readonly config: ClientCertificateConfig }[];
}

/** How certificates are judged. */
export interface CertificateJudge {
  /** Gives what was asked for under a demand that still holds. */
  readonly demandOf: (id: string) => AskedFor | undefined;
  readonly clock: Clock;
}

/**
 * Gives the entry of `authenticate.certificate` that speaks for a certificate on a route: the first in written order that
 * vouches for it; `untrusted` when none of them does, `beside` when no entry counts on the route.
 *
 * Security: an entry that vouches for it and that the route does not name says nothing there.
 */
export function countingEntry(
  certificate: ClientCertificate,
  { clientCertificate: names }: Pick<RouteConfig, 'clientCertificate'>,
  { demandOf }: Pick<CertificateJudge, 'demandOf'>,
): ClientCertificateConfig | 'untrusted' | 'beside' {
  const asked = demandOf(certificate.demand);
  if (asked === undefined) return 'untrusted';
  const counting = names ?? (asked.covering === undefined ? [] : [asked.covering]);
  if (counting.length === 0) return 'beside';
  if (certificate.fault !== undefined) return 'untrusted';
  const name = counting.find((one) => certificate.vouchers.includes(one));
  return asked.entries.find(({ config }) => config.name === name)?.config ?? 'untrusted';
}

/** Tells whether the dates of a certificate hold. */
export function datesHold({ notBeforeMs, notAfterMs }: ClientCertificate, nowMs: number): boolean {
  return nowMs >= notBeforeMs && nowMs < notAfterMs;
}

/** Gives the function that tells which certificate counts on the route of a request: the client's own, or none. */
export function makeCertificateOf(
  judge: CertificateJudge,
): (routed: Routed) => ClientCertificate | undefined {
  return ({ arrived, route }) => {
    const { certificate } = arrived.client;
    if (certificate === undefined || !datesHold(certificate, judge.clock())) return undefined;
    return typeof countingEntry(certificate, route.config, judge) === 'string' ? undefined : certificate;
  };
}
