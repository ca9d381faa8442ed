import type { ClientCertificateConfig } from '../config/config.ts';
import type { ClientCertificate, Identity } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { type Method, rejected, type Verdict } from './method.ts';

export interface CertificateMethodOptions {
  /** Gives the settings of a demand that still holds. */
  readonly demandOf: (id: string) => Settings | undefined;
  readonly clock: Clock;
}

type Settings = Pick<ClientCertificateConfig, 'identity' | 'users' | 'groups'>;

/**
 * Gives the method `certificate`: what the client showed in the handshake.
 *
 * Chain, purpose and revocation were judged by OpenSSL in that handshake, under a demand whose id changes with the
 * authorities and the revocation lists; the dates are looked at for every request.
 *
 * Security: a certificate that was shown and is not trusted is refused, and so is one whose identity is absent, or there
 * more than once: which one the authority meant cannot be told.
 */
export function makeCertificateMethod({ demandOf, clock }: CertificateMethodOptions): Method {
  return {
    name: 'certificate',
    scheme: undefined,
    credential({ client: { certificate } }) {
      if (certificate === undefined) return undefined;
      return `certificate ${certificate.demand} ${certificate.fingerprint} ${certificate.fault ?? 'trusted'}`;
    },
    inspect({ client: { certificate } }) {
      const settings = certificate === undefined ? undefined : demandOf(certificate.demand);
      if (certificate === undefined) return { kind: 'absent' };
      if (settings === undefined || certificate.fault !== undefined) return rejected('certificate-untrusted');
      const now = clock();
      if (now < certificate.notBeforeMs || now >= certificate.notAfterMs) {
        return rejected('certificate-expired');
      }
      return judge(certificate, settings);
    },
    challenge: () => undefined,
  };
}

function judge(certificate: ClientCertificate, settings: Settings): Verdict {
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
