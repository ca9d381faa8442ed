import type { RouteConfig } from '../config/config.ts';

/** The hosts that routes name, to be looked up by the names of certificates, however many there are of both. */
export class RouteHosts {
  readonly #hosts: ReadonlySet<string>;
  /** Hosts by the wildcard that covers them: `*.example.com` -> `a.example.com`, `*.example.com`. */
  readonly #byWildcard = new Map<string, string[]>();

  constructor(routes: readonly RouteConfig[]) {
    this.#hosts = new Set(routes.map(({ host }) => host));
    for (const host of this.#hosts) {
      const wildcard = wildcardFor(host);
      if (wildcard === undefined) continue;
      const known = this.#byWildcard.get(wildcard);
      if (known === undefined) this.#byWildcard.set(wildcard, [host]);
      else known.push(host);
    }
  }

  /** Gives the hosts that one of a certificate's names covers, as the routes write them; a wildcard covers one label. */
  coveredBy(names: readonly string[]): readonly string[] {
    const covered = names.flatMap((name) => [
      ...(name !== '*' && this.#hosts.has(name) ? [name] : []),
      ...(this.#byWildcard.get(name) ?? []),
    ]);
    return [...new Set(covered)];
  }

  /** Whether a route serves a host: by its name, by a wildcard, or because it serves every host. */
  serves(host: string): boolean {
    const wildcard = wildcardFor(host);
    return (
      this.#hosts.has(host) || this.#hosts.has('*') || (wildcard !== undefined && this.#hosts.has(wildcard))
    );
  }
}

function wildcardFor(host: string): string | undefined {
  const dot = host.indexOf('.');
  return dot > 0 ? `*${host.slice(dot)}` : undefined;
}
