import type { RouteConfig } from '../config/config.ts';
import type { Route } from '../exchange.ts';

/** Routes of one host by canonical prefix. */
export interface PathTable {
  readonly byPrefix: ReadonlyMap<string, Route>;
  /** Most segments that any prefix has: a longer path is cut before it is looked up. */
  readonly depth: number;
}

/** Every route, ready to be matched by map look-ups alone: cost does not grow with their number. */
export interface RouteTable {
  readonly exact: ReadonlyMap<string, PathTable>;
  /** By what follows the star: `.example.com`. */
  readonly wildcard: ReadonlyMap<string, PathTable>;
  readonly any: PathTable | undefined;
  readonly routes: readonly Route[];
}

/**
 * Compiles routes into tables.
 *
 * @param configs - hosts lower-case, paths canonical, no two with the same host and path (checked with the config)
 * @param internal - routes of the reserved path, given to every host that has routes of its own
 */
export function compileRoutes(
  configs: readonly RouteConfig[],
  internal: (host: string) => readonly RouteConfig[],
): RouteTable {
  const hosts = new Map<string, Map<string, Route>>();
  const routes: Route[] = [];
  const add = (config: RouteConfig): void => {
    const route: Route = { id: config.id, config };
    const paths = hosts.get(config.host) ?? new Map<string, Route>();
    hosts.set(config.host, paths);
    paths.set(config.path, route);
    routes.push(route);
  };
  for (const config of configs) add(config);
  for (const host of [...hosts.keys()]) for (const config of internal(host)) add(config);

  const exact = new Map<string, PathTable>();
  const wildcard = new Map<string, PathTable>();
  let any: PathTable | undefined;
  for (const [host, paths] of hosts) {
    const table: PathTable = { byPrefix: paths, depth: Math.max(...[...paths.keys()].map(segmentCount)) };
    if (host === '*') any = table;
    else if (host.startsWith('*.')) wildcard.set(host.slice(1), table);
    else exact.set(host, table);
  }
  return { exact, wildcard, any, routes };
}

function segmentCount(path: string): number {
  return path === '/' ? 0 : path.split('/').length - 1;
}
