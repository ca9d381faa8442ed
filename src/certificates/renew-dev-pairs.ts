import { asGatewayError } from '../errors.ts';
import { loadDev } from './base-pairs.ts';
import type { DevCa } from './dev-ca.ts';
import { isDue } from './dev-leaf.ts';
import type { KeeperOptions } from './keeper-options.ts';
import type { Places } from './places.ts';

/** Makes the dev certificates anew that are due, for the names that they have, and serves them. Never rejects. */
export async function renewDevPairs(places: Places, options: KeeperOptions, ca: DevCa): Promise<void> {
  const { clock, logger } = options;
  for (const place of places.all()) {
    const { base, config } = place;
    if (config?.source.kind !== 'dev' || base === undefined || !isDue(base, clock)) continue;
    try {
      const named = { ...options, hostsOf: () => base.names };
      places.setBase(place, await loadDev(place.name, config.source, named, ca));
    } catch (error) {
      const { detail } = asGatewayError(error);
      logger.error({ certificate: place.name, detail }, 'a dev certificate could not be renewed');
    }
  }
}
