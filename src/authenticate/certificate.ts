import type { ClientCertificateConfig, RouteConfig } from '../config/config.ts';
import type { ClientCertificate, Identity } from '../exchange.ts';
import { type CertificateJudge, countingEntry, datesHold } from './counting-entry.ts';
import { type Method, rejected, type Verdict } from './method.ts';

type Naming = Pick<RouteConfig, 'clientCertificate'>;
type Settings = Pick<ClientCertificateConfig, 'identity' | 'users' | 'groups'>;

/**
 * Gives the method `certificate`: what the client showed in the handshake.
 *
 * Chain, purpose and revocation were judged by OpenSSL in that handshake, under a demand whose id changes with the
 * authorities and the revocation lists; the dates are looked at for every request. Which entries count, and so who
 * somebody is, differs from route to route.
 *
 * Security: a certificate that was shown and for which no entry of the route vouches is refused, and so is one whose
 * identity is absent, or there more than once: which one the authority meant cannot be told. The entry that speaks for it
 * is part of the credential: what one route verified says nothing on a route where another entry counts.
 */
export function makeCertificateMethod(judge: CertificateJudge): Method {
  const on = (route: Naming): Method => ({
    name: 'certificate',
    scheme: undefined,
    onRoute: on,
    credential({ client: { certificate } }) {
      if (certificate === undefined) return undefined;
      const counting = countingEntry(certificate, route, judge);
      if (counting.kind === 'beside') return undefined;
      const voucher = counting.kind === 'entry' ? counting.entry.name : '-';
      return `certificate ${certificate.demand} ${certificate.fingerprint} ${certificate.fault ?? 'trusted'} ${voucher}`;
    },
    inspect({ client: { certificate } }) {
      if (certificate === undefined) return { kind: 'absent' };
      const counting = countingEntry(certificate, route, judge);
      if (counting.kind === 'beside') return { kind: 'absent' };
      if (counting.kind === 'untrusted') return rejected('certificate-untrusted', certificate.fault);
      if (!datesHold(certificate, judge.clock())) return rejected('certificate-expired');
      return verdictOf(certificate, counting.entry);
    },
    challenge: () => undefined,
  });
  return on({ clientCertificate: undefined });
}

function verdictOf(certificate: ClientCertificate, settings: Settings): Verdict {
  const named = identityOf(certificate, settings.identity);
  const user =
    settings.users === undefined
      ? named
      : (settings.users.get(certificate.fingerprint) ??
        (named === undefined ? undefined : settings.users.get(named)));
  if (user === undefined) return rejected('certificate-unknown');
  const expiresAtSec = Math.floor(certificate.notAfterMs / 1000);
  const identity: Identity = {
    user,
    method: 'certificate',
    groups: settings.groups,
    email: settings.identity === 'san-email' ? named?.toLowerCase() : undefined,
    claims: {},
    sessionId: undefined,
    expiresAtSec,
  };
  const ties = {
    expiresAtSec,
    needsState: false,
    account: undefined,
    sessionId: undefined,
    jti: undefined,
    subject: undefined,
    issuedAtSec: undefined,
  };
  return { kind: 'verified', identity, ties };
}

function identityOf(certificate: ClientCertificate, kind: Settings['identity']): string | undefined {
  switch (kind) {
    case 'subject-cn':
      return certificate.commonName;
    case 'fingerprint':
      return certificate.fingerprint;
    case 'san-email':
      return only(certificate.emails);
    case 'san-dns':
      return only(certificate.dnsNames);
    case 'san-uri':
      return only(certificate.uris);
  }
}

function only(names: readonly string[]): string | undefined {
  return names.length === 1 ? names[0] : undefined;
}
