import type { Routed } from '../exchange.ts';

/**
 * Gives the path that the upstream gets: the canonical one, without the route's prefix where the route says `stripPath`.
 *
 * The result starts with `/`. Security: the prefix is taken off after everything was decided, and the route matched it
 * on a segment boundary, so what remains is canonical as well.
 */
export function upstreamPath({ arrived, route }: Routed): string {
  const prefix = strippedPrefix({ route });
  if (prefix === undefined) return arrived.request.path;
  const rest = arrived.request.path.slice(prefix.length);
  return rest === '' ? '/' : rest;
}

/** Gives the prefix that a route takes off, or `undefined`. */
export function strippedPrefix({ route }: Pick<Routed, 'route'>): string | undefined {
  return route.config.stripPath && route.config.path !== '/' ? route.config.path : undefined;
}
