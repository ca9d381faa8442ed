import { GatewayError } from '../errors.ts';
import { type CertificateDetail, detailOf } from './certificate-detail.ts';
import { entryOf, type ListedCertificate, listed, problemsOf } from './listed-certificate.ts';
import type { Places } from './places.ts';

/** What is served and what is stored but not served, for people and scripts to look at. */
export class Inventory {
  readonly #places: Places;

  constructor(places: Places) {
    this.#places = places;
  }

  /** Gives every entry, ordered by name. No certificate is parsed for it. */
  list(): readonly ListedCertificate[] {
    const places = this.#places;
    const entries = places.all().flatMap((place) => {
      const entry = entryOf(place, places);
      return entry === undefined ? [] : [listed(entry, place, places)];
    });
    return entries.sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Gives all there is to tell of one certificate. @throws SP_CERTIFICATE_UNKNOWN when nothing is served nor stored under the name */
  detail(name: string): CertificateDetail {
    const place = this.#places.placeFor(name);
    const entry = entryOf(place, this.#places);
    if (entry === undefined) throw new GatewayError('SP_CERTIFICATE_UNKNOWN', { reason: 'unknown-name' });
    return detailOf(listed(entry, place, this.#places), entry.pair?.certificate);
  }

  /** Gives the names under which something is stored that is not served, ordered. */
  unserved(): readonly string[] {
    const places = this.#places;
    const troubled = places.all().filter((place) => problemsOf(place, places).length > 0);
    return troubled.map(({ name }) => name).sort();
  }
}
