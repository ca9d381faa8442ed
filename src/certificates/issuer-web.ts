import type { X509Certificate } from 'node:crypto';

/** Most certificates beside its own that a client may send; real chains have one or two. */
const MAX_SENT = 16;
/** Most signatures that are checked for one connection. */
const MAX_SIGNATURES = 64;

/** Tells whether the dates of a certificate hold. */
export function holdsAt(certificate: X509Certificate, nowMs: number): boolean {
  return certificate.validFromDate.getTime() <= nowMs && nowMs < certificate.validToDate.getTime();
}

/**
 * Who issued whom, among the certificates that a client sent and the authorities that its host trusts: every link that
 * OpenSSL may have gone along.
 *
 * Security: a link needs the right names, key ids and key usage, and the signature: a name alone proves nothing. Work is
 * bounded, whatever a client sends.
 */
export class IssuerWeb {
  /** What the client showed. */
  readonly leaf: X509Certificate;
  readonly #candidates: readonly X509Certificate[];
  readonly #issuers = new Map<X509Certificate, readonly X509Certificate[]>();
  readonly #nowMs: number;
  #signatures = 0;

  /** @throws RangeError when the client sent too many certificates */
  constructor(
    sent: readonly [X509Certificate, ...X509Certificate[]],
    trusted: readonly X509Certificate[],
    nowMs: number,
  ) {
    if (sent.length > MAX_SENT + 1) throw new RangeError('too many certificates were sent');
    [this.leaf] = sent;
    const once = new Map([...sent.slice(1), ...trusted].map((one) => [one.fingerprint256, one]));
    this.#candidates = [...once.values()].filter((one) => holdsAt(one, nowMs));
    this.#nowMs = nowMs;
  }

  /** Gives everybody who signed a certificate and holds now. @throws RangeError when too many signatures had to be checked */
  issuersOf(certificate: X509Certificate): readonly X509Certificate[] {
    const known = this.#issuers.get(certificate);
    if (known !== undefined) return known;
    const issuers = this.#candidates.filter(
      (candidate) => certificate.checkIssued(candidate) && this.#signed(certificate, candidate),
    );
    this.#issuers.set(certificate, issuers);
    return issuers;
  }

  /** Tells whether a certificate is one of these authorities, and that one holds now: the same name and the same key (RFC 5280 §6.1.1 d). */
  isAmong(certificate: X509Certificate, authorities: readonly X509Certificate[]): boolean {
    return authorities.some(
      (authority) =>
        authority.subject === certificate.subject &&
        authority.publicKey.equals(certificate.publicKey) &&
        holdsAt(authority, this.#nowMs),
    );
  }

  #signed(certificate: X509Certificate, issuer: X509Certificate): boolean {
    if (++this.#signatures > MAX_SIGNATURES) throw new RangeError('too many signatures');
    try {
      return certificate.verify(issuer.publicKey);
    } catch {
      return false;
    }
  }
}
