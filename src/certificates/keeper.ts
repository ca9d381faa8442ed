/** A certificate as the admin API lists it. */
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

export interface RotationResult {
  readonly name: string;
  readonly fingerprint256: string;
  /** Fingerprint of the pair that was served before; `undefined` when there was none. */
  readonly previous: string | undefined;
  /** Processes that serve the new pair. */
  readonly confirmedBy: readonly string[];
}
