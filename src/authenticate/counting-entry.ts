import type { ClientDemand } from '../certificates/client-demands.ts';
import type { ClientCertificateConfig, RouteConfig } from '../config/config.ts';
import type { ClientCertificate, Routed } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';

/** How certificates are judged. */
export interface CertificateJudge {
  /** Gives what was asked for under a demand that still holds. */
  readonly demandOf: (id: string) => Pick<ClientDemand, 'covering' | 'entries'> | undefined;
  readonly clock: Clock;
}

/**
 * What a certificate is worth on a route: an entry of `authenticate.certificate` speaks for it; none of those that count
 * does; or no entry counts there, and the certificate is beside the point.
 */
export type Counting =
  | { readonly kind: 'entry'; readonly entry: ClientCertificateConfig }
  | { readonly kind: 'untrusted' }
  | { readonly kind: 'beside' };

const UNTRUSTED: Counting = { kind: 'untrusted' };
const BESIDE: Counting = { kind: 'beside' };

/**
 * Gives the entry of `authenticate.certificate` that speaks for a certificate on a route: the first in written order that
 * vouches for it.
 *
 * Security: an entry that vouches for it and that the route does not name says nothing there.
 */
export function countingEntry(
  certificate: ClientCertificate,
  { clientCertificate: names }: Pick<RouteConfig, 'clientCertificate'>,
  { demandOf }: Pick<CertificateJudge, 'demandOf'>,
): Counting {
  const asked = demandOf(certificate.demand);
  if (asked === undefined) return UNTRUSTED;
  const counting = names ?? (asked.covering === undefined ? [] : [asked.covering]);
  if (counting.length === 0) return BESIDE;
  if (certificate.fault !== undefined) return UNTRUSTED;
  const name = counting.find((one) => certificate.trustedBy.includes(one));
  const entry = asked.entries.find(({ config }) => config.name === name)?.config;
  return entry === undefined ? UNTRUSTED : { kind: 'entry', entry };
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
    return countingEntry(certificate, route.config, judge).kind === 'entry' ? certificate : undefined;
  };
}
