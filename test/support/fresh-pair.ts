import { type KeyObject, X509Certificate } from 'node:crypto';
import { authority, leaf } from '../fixtures/certificates/pki.ts';

const DAY_MS = 24 * 3600_000;

/** A pair as it is uploaded. */
export interface FreshPair {
  readonly certificate: string;
  readonly key: string;
  readonly fingerprint256: string;
  /** DER of the private key. */
  readonly keyDer: Buffer;
}

/** Gives an authority that is valid now, and a maker of pairs that it signs. @param of - key of every pair; absent: a new one for each */
export function pairMaker(
  names: readonly string[],
  of?: KeyObject,
): { readonly ca: string; make(): FreshPair } {
  const now = Date.now();
  const valid = { notBeforeMs: now - DAY_MS, notAfterMs: now + 90 * DAY_MS };
  const root = authority('Root of a test', valid);
  return {
    ca: root.certificate,
    make() {
      const { certificate, keyPem, key } = leaf(
        root,
        names,
        of === undefined ? valid : { ...valid, key: of },
      );
      const { fingerprint256 } = new X509Certificate(certificate);
      return {
        certificate,
        key: keyPem,
        fingerprint256,
        keyDer: key.export({ type: 'pkcs8', format: 'der' }),
      };
    },
  };
}
