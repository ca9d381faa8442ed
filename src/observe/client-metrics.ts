import { Counter, Gauge, type Registry } from '@prometheus-io/client';
import type { CertificateFault } from '../exchange.ts';

/** Until when the files of an entry of `authenticate.certificate` hold. */
export interface EntryEnds {
  readonly name: string;
  /** When the first of its authorities ends, seconds since the epoch. */
  readonly caEndsSec: number;
  /** When the first of its revocation lists is out of date; `undefined`: none of them ever is. */
  readonly crlNextUpdateSec: number | undefined;
}

/** What is counted of certificates that clients show. */
export interface ClientMetrics {
  /** Counts a client whose certificate a handshake did not believe. */
  clientCertificateRefused(reason: CertificateFault): void;
  /** Replaces the list of entries and the times at which their files end. */
  clientEntries(list: readonly EntryEnds[]): void;
}

/** Makes the metrics of client certificates in a registry, and gives what counts into them. */
export function clientMetrics(registry: Registry): ClientMetrics {
  const registers = [registry];
  const refused = new Counter({
    name: 'sallyport_client_certificates_refused_total',
    help: 'Client certificates that handshakes did not believe, and required ones that were not shown.',
    labelNames: ['reason'],
    registers,
  });
  const byEntry = (name: string, help: string) => new Gauge({ name, help, labelNames: ['entry'], registers });
  const authorities = byEntry(
    'sallyport_client_ca_expiry_timestamp_seconds',
    'When the first authority of the entry ends.',
  );
  const lists = byEntry(
    'sallyport_client_crl_next_update_timestamp_seconds',
    'When the first revocation list of the entry is out of date.',
  );
  return {
    clientCertificateRefused: (reason) => refused.inc({ reason }),
    clientEntries: (list) => {
      authorities.reset();
      lists.reset();
      for (const { name, caEndsSec, crlNextUpdateSec } of list) {
        authorities.set({ entry: name }, caEndsSec);
        if (crlNextUpdateSec !== undefined) lists.set({ entry: name }, crlNextUpdateSec);
      }
    },
  };
}
