import { X509Certificate } from 'node:crypto';
import type { CertificateConfig, TlsPreset } from '../config/config.ts';
import type { CertificatePair } from './certificate.ts';
import type { Shelved } from './shelf.ts';
import type { StoredPair } from './vault.ts';

/** The version of an upload whose record is gone or does not open; real versions start at 1. */
export const LOST = 0;

/** An upload as this process knows it. */
export interface PlacedDeposit {
  readonly version: number;
  /** `undefined` when what is stored cannot be served any more. */
  readonly pair: CertificatePair | undefined;
  /** Fingerprints of the certificates in files that the upload took the place of; machines may have different ones. */
  readonly over: readonly string[];
  /** Fingerprint of the pair that a rollback returns to. */
  readonly previous: string | undefined;
  /** When it was uploaded; `undefined` when that was not kept yet. */
  readonly rotatedAtMs: number | undefined;
  /** Why what is stored cannot be served, each `word: sentence`. */
  readonly problems: readonly string[];
  /** The pair that `problems` keep from being served; `undefined` when it cannot be read. */
  readonly refused: CertificatePair | undefined;
}

/** All that is known under one certificate's name. */
export interface Place {
  readonly name: string;
  /** `undefined` for a certificate that only an upload made. */
  readonly config: CertificateConfig | undefined;
  readonly preset: TlsPreset;
  /** What the configuration gives: the dev CA's leaf or the files' pair. */
  base: CertificatePair | undefined;
  deposit: PlacedDeposit | undefined;
  /** Grows with every change by this process, so that an answer of the state from before it is known to be old. */
  turn: number;
}

/** Whether the upload is served: it wins over a file until the file changes after it, and over a dev certificate always. */
export function depositWins(place: Place): boolean {
  if (place.deposit?.pair === undefined) return false;
  if (place.base === undefined || place.config?.source.kind !== 'files') return true;
  return place.deposit.over.includes(place.base.fingerprint256);
}

/** Gives what a place puts on the shelf, `undefined` when there is no pair yet. */
export function served(place: Place): Shelved | undefined {
  const { name, preset } = place;
  if (place.deposit?.pair !== undefined && depositWins(place)) {
    const source = place.config?.source.kind === 'acme' ? 'acme' : 'uploaded';
    return { name, preset, pair: place.deposit.pair, source };
  }
  if (place.base === undefined) return undefined;
  return { name, preset, pair: place.base, source: place.config?.source.kind ?? 'uploaded' };
}

/** Gives a pair as it is stored. */
export function storedOf(pair: CertificatePair): StoredPair {
  return { certificate: pair.certificate, key: pair.key };
}

/** Gives the fingerprint of a stored pair's leaf, `undefined` when it cannot be read. */
export function fingerprintOf(pair: StoredPair | undefined): string | undefined {
  if (pair === undefined) return undefined;
  try {
    return new X509Certificate(pair.certificate).fingerprint256;
  } catch {
    return undefined;
  }
}
