/**
 * ROOM 2. Comes in: an `Arrived` request. Goes out: the same with the one route that serves it.
 */
import { GatewayError } from '../errors.ts';
import type { Arrived, Route, Routed } from '../exchange.ts';
import type { PathTable, RouteTable } from './compile-routes.ts';

/**
 * Gives the room that finds the route: the most specific host, then the longest path prefix on segment boundaries.
 *
 * @param policyOf - id of the TLS policy that a host demands
 *
 * The room throws SP_ROUTE_NOT_FOUND, or SP_ROUTE_MISDIRECTED when the connection was made under another TLS policy than
 * the host demands (RFC 9110 §15.5.20).
 *
 * Security: without the second check a handshake for an open host would reach a host with stricter demands, and one that
 * was made before the demands changed would go on under the old ones.
 */
export function makeRoute(
  table: RouteTable,
  policyOf: (host: string) => string,
): (arrived: Arrived) => Routed {
  return (arrived) => {
    const { request, client } = arrived;
    const route = matchRoute(table, request.host, request.path);
    if (policyOf(request.host) !== client.tlsPolicy) {
      throw new GatewayError('SP_ROUTE_MISDIRECTED', { reason: 'tls-policy-of-another-host' });
    }
    if (route === undefined) throw new GatewayError('SP_ROUTE_NOT_FOUND', { reason: 'no-route' });
    arrived.record.route = route.id;
    return { arrived, route };
  };
}

/**
 * Gives the route for a canonical host and path, or `undefined`. Pure.
 *
 * The host is decided first: a host of its own never falls back to the routes of a wildcard.
 */
export function matchRoute(table: RouteTable, host: string, path: string): Route | undefined {
  const paths = pathsOf(table, host);
  return paths === undefined ? undefined : matchPath(paths, path);
}

/** Tells whether a canonical host has any route. */
export function servesHost(table: RouteTable, host: string): boolean {
  return pathsOf(table, host) !== undefined;
}

function pathsOf(table: RouteTable, host: string): PathTable | undefined {
  return table.exact.get(host) ?? wildcardOf(table, host) ?? table.any;
}

function wildcardOf(table: RouteTable, host: string): PathTable | undefined {
  if (table.wildcard.size === 0 || host.startsWith('[')) return undefined;
  const dot = host.indexOf('.');
  return dot === -1 ? undefined : table.wildcard.get(host.slice(dot));
}

function matchPath({ byPrefix, depth }: PathTable, path: string): Route | undefined {
  let prefix = firstSegments(path, depth);
  while (prefix !== '') {
    const route = byPrefix.get(prefix);
    if (route !== undefined) return route;
    prefix = prefix.slice(0, prefix.lastIndexOf('/'));
  }
  return byPrefix.get('/');
}

/** Gives the path cut after `depth` segments, without trailing slash; empty for the root. */
function firstSegments(path: string, depth: number): string {
  let end = 0;
  for (let i = 0; i < depth && end !== -1; i++) end = path.indexOf('/', end + 1);
  const cut = end === -1 ? path : path.slice(0, end);
  return cut.endsWith('/') ? cut.slice(0, -1) : cut;
}
