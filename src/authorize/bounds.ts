import type { CredentialBounds, Identified } from '../exchange.ts';
import { compileIpRanges } from '../lib/ip-range.ts';

/** Word for the log: which bound of an app password was overstepped. */
export type BoundReason = 'key-route' | 'key-method' | 'key-address';

const compiled = (bounds: CredentialBounds): ((identified: Identified) => BoundReason | undefined) => {
  const methods = new Set(bounds.methods);
  const contains = compileIpRanges(bounds.addresses);
  return ({ arrived, route }) => {
    const { request, client } = arrived;
    const { routes } = bounds;
    const isInRoutes =
      routes.length === 0 ||
      routes.some((one) => one === route.id || covers(one, request.host, request.path));
    if (!isInRoutes) return 'key-route';
    if (methods.size > 0 && !methods.has(request.method)) return 'key-method';
    return bounds.addresses.length > 0 && !contains(client.address) ? 'key-address' : undefined;
  };
};

/**
 * Gives the test of what a credential may be used for; `undefined` when a request stays within.
 *
 * Bounds are compiled once per object: an identity that is remembered brings the same one each time.
 */
export function makeBoundsTest(): (
  bounds: CredentialBounds,
  identified: Identified,
) => BoundReason | undefined {
  const known = new WeakMap<CredentialBounds, ReturnType<typeof compiled>>();
  return (bounds, identified) => {
    let test = known.get(bounds);
    if (test === undefined) {
      test = compiled(bounds);
      known.set(bounds, test);
    }
    return test(identified);
  };
}

/** `host` or `host/path` on segment boundaries; read from the canonical request, as routing is. */
function covers(bound: string, host: string, path: string): boolean {
  const slash = bound.indexOf('/');
  if (slash < 0) return bound === host;
  if (bound.slice(0, slash) !== host) return false;
  const prefix = bound.slice(slash).replace(/\/$/, '');
  return path === prefix || path.startsWith(`${prefix}/`);
}
