import type { CertificateConfig, TlsPreset } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import type { Leases, Records } from '../state/store.ts';
import type { Probe } from './rotation/probe.ts';
import type { Roster } from './rotation/roster.ts';
import type { RotationStep } from './rotation/rotation.ts';

/** How processes tell each other that an upload changed. */
export interface CertificateNotices {
  publish(notice: {
    readonly kind: 'certificate-changed' | 'certificate-staged';
    readonly name: string;
  }): Promise<void>;
  on(listener: (notice: { readonly kind: string; readonly name?: string }) => void): () => void;
  /** Notices may have been missed. */
  onGap?(listener: () => void): () => void;
}

/** What a keeper needs of the house. */
export interface KeeperOptions {
  readonly configs: readonly CertificateConfig[];
  /** Hosts of the routes that a certificate serves, as routes write them. */
  readonly hostsOf: (name: string) => readonly string[];
  /** TLS preset of certificates that name none. */
  readonly preset: TlsPreset;
  /** Name of the certificate for clients that name no host or an unknown one. */
  readonly defaultCertificate?: string | undefined;
  readonly records: Records;
  readonly sealer: Sealer;
  readonly notices?: CertificateNotices | undefined;
  /** Where the dev CA and its leaves are kept. */
  readonly devFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The other processes on the same state; absent: there are none, and a change is made without asking anybody. */
  readonly fleet?: {
    readonly roster: Pick<Roster, 'self' | 'live' | 'missing'>;
    readonly leases: Leases;
    /** Tries pairs at the endpoints of this process. */
    readonly probe: Probe;
  };
  /** Learns each step of the transactions that this process leads. */
  readonly onStep?: (step: RotationStep) => void;
  /** How this process is named in `confirmedBy` when there is no fleet; default `pid <number>`. */
  readonly processId?: string;
  /** Most TLS contexts kept ready; default 10,000, some 300 MiB when all of them are in use. */
  readonly contexts?: number;
  /** Between two looks at the files, milliseconds; default 1000. */
  readonly pollMs?: number;
}
