import { askedHosts } from '../asked-hosts.ts';
import { isMapping } from '../check-shape.ts';
import type { ClientCertificateConfig } from '../config.ts';
import type { Draft } from '../cross-checks.ts';
import type { Placed } from '../key-path.ts';
import type { ResolveContext } from '../resolve-context.ts';

type PlacedEntry = Placed<ClientCertificateConfig>;

/** Notes entries of `authenticate.certificate` that share a name, that nobody is asked for, or that cannot share a host. */
export function checkClientCertificates(draft: Draft, context: ResolveContext): void {
  const byName = new Map<string, PlacedEntry>();
  const named = namedByRoutes(draft.input.routes);
  for (const entry of draft.clientCertificates) {
    const { path, value } = entry;
    if (byName.has(value.name)) {
      const fault = `there is already an entry ${JSON.stringify(value.name)}`;
      context.error([...path, 'name'], fault, 'give it a name of its own');
    } else {
      byName.set(value.name, entry);
    }
    if (value.hosts.length === 0 && !named.has(value.name)) {
      const hint = 'write hosts, or name it under clientCertificate of a route';
      context.error(path, `${value.name} has no effect: it has no hosts, and no route names it`, hint);
    }
  }
  checkLists(draft, byName, context);
}

/** Gives the names that routes write, also those of wrong routes. */
function namedByRoutes(routes: unknown): ReadonlySet<unknown> {
  const written = Array.isArray(routes) ? routes.filter(isMapping) : [];
  return new Set(written.flatMap(({ clientCertificate }): unknown => clientCertificate));
}

/** Notes hosts where some authorities have revocation lists and others none. */
function checkLists(draft: Draft, byName: ReadonlyMap<string, PlacedEntry>, context: ResolveContext): void {
  const told = new Set<string>();
  const entries = draft.clientCertificates.map(({ value }) => value);
  const routes = draft.routes.map(({ value }) => value);
  for (const [host, { covering, named }] of askedHosts(entries, routes)) {
    const names = covering === undefined ? named : [covering, ...named];
    const there = names.flatMap((name) => byName.get(name) ?? []);
    const listed = there.find(({ value }) => value.crl !== undefined);
    const bare = there.find(({ value }) => value.crl === undefined);
    if (listed === undefined || bare === undefined || told.has(bare.value.name)) continue;
    told.add(bare.value.name);
    context.error(
      bare.path,
      `${bare.value.name} has no crl, but ${listed.value.name}, which ${host} asks for as well, has one`,
      'with one list OpenSSL demands one of every authority of the host: give all of them crl, or none',
    );
  }
}
