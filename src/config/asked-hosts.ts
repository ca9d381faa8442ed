import { mostSpecific, withBroader } from '../lib/host-patterns.ts';
import type { ClientCertificateConfig, RouteConfig } from './config.ts';

/** The entries of `authenticate.certificate` that a host asks its clients for, by name. */
export interface AskedHost {
  /** The one that covers the host by its own `hosts`. */
  readonly covering: string | undefined;
  /** Those that routes of the host name, sorted, each once. */
  readonly named: readonly string[];
}

type Entry = Pick<ClientCertificateConfig, 'name' | 'hosts'>;
type Naming = Pick<RouteConfig, 'host' | 'clientCertificate'>;

const NOBODY: AskedHost = { covering: undefined, named: [] };

/**
 * Gives, by host pattern, which entries are asked for; a host that is not among the patterns goes by the next broader one
 * (`withBroader`), and asks nobody when there is none.
 *
 * The covering entry and the routes are looked up apart, each by the most specific pattern that is written for it. As
 * in routing, a host with a pattern of its own has none of the routes of a broader one.
 */
export function askedHosts(
  entries: readonly Entry[],
  routes: readonly Naming[],
): ReadonlyMap<string, AskedHost> {
  const covering = new Map(entries.flatMap(({ name, hosts }) => hosts.map((host) => [host, name] as const)));
  const named = namedByHost(routes);
  const at = (patterns: readonly string[]): AskedHost => ({
    covering: mostSpecific(patterns, covering),
    named: [...(mostSpecific(patterns, named) ?? [])].sort(),
  });
  const asked = new Map<string, AskedHost>();
  if (entries.length === 0) return asked;
  for (const pattern of new Set([...covering.keys(), ...named.keys()])) {
    const [own = pattern, ...broader] = withBroader(pattern);
    const here = at([own, ...broader]);
    // Most hosts of a large configuration are like their neighbours.
    if (!same(here, broader.length === 0 ? NOBODY : at(broader))) asked.set(pattern, here);
  }
  return asked;
}

function namedByHost(routes: readonly Naming[]): ReadonlyMap<string, ReadonlySet<string>> {
  const named = new Map<string, Set<string>>();
  for (const { host, clientCertificate = [] } of routes) {
    const names = named.get(host) ?? new Set();
    for (const name of clientCertificate) names.add(name);
    named.set(host, names);
  }
  return named;
}

function same(a: AskedHost, b: AskedHost): boolean {
  return a.covering === b.covering && a.named.join(' ') === b.named.join(' ');
}
