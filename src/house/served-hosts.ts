import type { RouteConfig } from '../config/config.ts';

/** Gives the hosts of routes that one of a certificate's names covers, as the routes write them; a wildcard covers one label. */
export function servedHosts(routes: readonly RouteConfig[], names: readonly string[]): readonly string[] {
  const covered = new Set(names);
  const hosts = new Set(routes.map((route) => route.host));
  return [...hosts].filter((host) => {
    if (host === '*') return false;
    const dot = host.indexOf('.');
    return covered.has(host) || (dot > 0 && covered.has(`*${host.slice(dot)}`));
  });
}
