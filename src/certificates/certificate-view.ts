import type { Shelved } from './shelf.ts';

/** A certificate that is served. */
export interface CertificateView {
  readonly name: string;
  readonly names: readonly string[];
  /** ISO 8601. */
  readonly notBefore: string;
  readonly notAfter: string;
  /** SHA-256 of the leaf, upper-case hex with colons, as OpenSSL prints it. */
  readonly fingerprint256: string;
  readonly keyType: string;
  readonly source: string;
}

/** What a rotation or a rollback did. */
export interface RotationResult {
  readonly name: string;
  readonly fingerprint256: string;
  /** Fingerprint of the pair that was served before; `undefined` when there was none. */
  readonly previous: string | undefined;
  /** Processes that serve the new pair. */
  readonly confirmedBy: readonly string[];
  /** Processes that were seen within a day and could not be asked: killed, or cut off and serving what they served. */
  readonly missing: readonly string[];
}

/** A pair as it is uploaded. */
export type PairUpload =
  | { readonly certificate: string; readonly key: string; readonly passphrase?: string | undefined }
  | { readonly pkcs12: string | Uint8Array; readonly passphrase?: string | undefined };

/** Gives a pair as it is told of. */
export function viewOf({ name, pair, source }: Pick<Shelved, 'name' | 'pair' | 'source'>): CertificateView {
  return {
    name,
    names: pair.names,
    notBefore: new Date(pair.notBeforeMs).toISOString(),
    notAfter: new Date(pair.notAfterMs).toISOString(),
    fingerprint256: pair.fingerprint256,
    keyType: pair.keyLabel,
    source,
  };
}
