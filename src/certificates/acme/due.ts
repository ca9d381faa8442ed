import type { CertificatePair } from '../certificate.ts';
import { covers } from '../host-name.ts';

/** When a certificate is to be ordered, and what demands it. */
export interface Due {
  /** Milliseconds since the epoch. */
  readonly atMs: number;
  /**
   * `absent`: nothing is served. `names`: the configuration names hosts that were not ordered yet. `hint`: the CA wants it in the
   * first half of the pair's life. `life`: it is time.
   */
  readonly why: 'absent' | 'names' | 'hint' | 'life';
}

/** What is known of a certificate beside its pair. */
export interface DueFacts {
  /** Hosts that it is to cover. */
  readonly names: readonly string[];
  /** Hosts of the last filled order; empty when there was none. */
  readonly ordered: readonly string[];
  /** When the CA wants this pair to be renewed; `undefined` when it does not say. */
  readonly renewAtMs: number | undefined;
}

/**
 * Gives when an order is due: after 2/3 of the life of what is served, or when the CA says so, but in its last tenth at the latest.
 *
 * A pair that lacks names which were ordered before was put there by somebody: it counts as long as any other.
 */
export function dueOf(pair: CertificatePair | undefined, { names, ordered, renewAtMs }: DueFacts): Due {
  if (pair === undefined) return { atMs: 0, why: 'absent' };
  const isNew = names.some((name) => !ordered.includes(name));
  if (isNew && !coversAll(pair, names)) return { atMs: 0, why: 'names' };
  const life = pair.notAfterMs - pair.notBeforeMs;
  if (renewAtMs === undefined) return { atMs: pair.notBeforeMs + (life * 2) / 3, why: 'life' };
  const atMs = Math.min(renewAtMs, pair.notAfterMs - life / 10);
  return { atMs, why: atMs < pair.notBeforeMs + life / 2 ? 'hint' : 'life' };
}

/** Whether a pair covers every one of some hosts. */
export function coversAll(pair: CertificatePair, names: readonly string[]): boolean {
  return names.every((name) => covers(pair.names, name));
}
