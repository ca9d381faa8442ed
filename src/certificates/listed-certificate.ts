import { type CertificateView, viewOf } from './certificate-view.ts';
import { depositWins, type Place, served } from './place.ts';
import type { Places } from './places.ts';
import { sentences } from './problem.ts';
import type { Shelved } from './shelf.ts';

/** A certificate as the admin API lists it: served, or stored and for some reason not. What is not known of it is an empty text. */
export interface ListedCertificate extends CertificateView {
  /** Whether handshakes get what the other fields tell of. */
  readonly served: boolean;
  /** Why what is stored under the name is not served, each `word: sentence`; another pair may be all the same. */
  readonly problems: readonly string[];
  /** Fingerprint of the pair that a rollback returns to; `undefined` when there is none. */
  readonly previous: string | undefined;
  /** When the upload was made, ISO 8601; `undefined` for what is no upload, and for one from before this was kept. */
  readonly rotatedAt: string | undefined;
}

/** What an entry is made of. `pair` is `undefined` when what is stored does not open. */
export interface Entry extends Pick<Shelved, 'name' | 'source'> {
  readonly pair: Shelved['pair'] | undefined;
}

const UNKNOWN = { names: [], notBefore: '', notAfter: '', fingerprint256: '', keyType: '' };

/** Gives what there is to tell of under a name, `undefined` when nothing is served nor stored. */
export function entryOf(place: Place, places: Places): Entry | undefined {
  const present = places.shelf.get(place.name) ?? served(place);
  if (present !== undefined) return present;
  const { name, deposit } = place;
  return deposit === undefined ? undefined : { name, source: 'uploaded', pair: deposit.refused };
}

/** Gives an entry as it is listed. */
export function listed(entry: Entry, place: Place, places: Places): ListedCertificate {
  const { name, source, pair } = entry;
  const { deposit } = place;
  const stored = deposit?.pair ?? deposit?.refused;
  const { rotatedAtMs } = stored !== undefined && stored.id === pair?.id ? (deposit ?? {}) : {};
  return {
    ...(pair === undefined ? { name, source, ...UNKNOWN } : viewOf({ name, source, pair })),
    served: places.shelf.get(name) !== undefined,
    problems: problemsOf(place, places),
    previous: depositWins(place) ? deposit?.previous : deposit?.pair?.fingerprint256,
    rotatedAt: rotatedAtMs === undefined ? undefined : new Date(rotatedAtMs).toISOString(),
  };
}

/** Gives why what is stored under a name is not served, each `word: sentence`. */
export function problemsOf({ name, deposit }: Place, places: Places): readonly string[] {
  return [...(deposit?.problems ?? []), ...sentences(places.clashesOf(name))];
}
