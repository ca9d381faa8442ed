import type { CertificateConfig, TlsPreset } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import type { Records } from '../state/store.ts';

/** How processes tell each other that an upload changed. */
export interface CertificateNotices {
  publish(notice: { readonly kind: 'certificate-changed'; readonly name: string }): Promise<void>;
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
  /** How this process is named in `confirmedBy`; default `pid <number>`. */
  readonly processId?: string;
  /** Most TLS contexts kept ready; default 1000. */
  readonly contexts?: number;
  /** Between two looks at the files, milliseconds; default 3000. */
  readonly pollMs?: number;
}
