import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type AskedHost, askedHosts } from '../../../src/config/asked-hosts.ts';
import { mostSpecific, withBroader } from '../../../src/lib/host-patterns.ts';
import { compileRoutes } from '../../../src/route/compile-routes.ts';
import { matchRoute } from '../../../src/route/match-route.ts';
import { routeConfig } from '../route/route-config.ts';

const PATTERNS = [
  'a.x.test',
  'b.x.test',
  '*.x.test',
  '*.a.x.test',
  'x.test',
  '*.test',
  '*',
  'test',
  '[::1]',
  '192.0.2.1',
];
const HOSTS = [
  'a.x.test',
  'b.x.test',
  'c.x.test',
  'd.a.x.test',
  'x.test',
  'y.test',
  'test',
  'other',
  '[::1]',
  '192.0.2.1',
  '192.0.2.9',
];
const PATHS = ['/', '/p', '/q'];
const NAMES = ['one', 'two', 'three'];

const entries = fc.uniqueArray(fc.tuple(fc.constantFrom(...PATTERNS), fc.constantFrom(...NAMES)), {
  selector: ([host]) => host,
  maxLength: 4,
});
const routes = fc.uniqueArray(
  fc.record({
    host: fc.constantFrom(...PATTERNS),
    path: fc.constantFrom(...PATHS),
    names: fc.option(fc.uniqueArray(fc.constantFrom(...NAMES), { minLength: 1 }), { nil: undefined }),
  }),
  { selector: ({ host, path }) => host + path, maxLength: 12 },
);

function of(asked: ReadonlyMap<string, AskedHost>, host: string): AskedHost {
  return mostSpecific(withBroader(host), asked) ?? { covering: undefined, named: [] };
}

test('a host is asked for what the routes name that it can be matched with, and for nothing else', () => {
  fc.assert(
    fc.property(entries, routes, (covers, written) => {
      const configs = written.map(({ host, path, names }) =>
        routeConfig({ id: host + path, host, path, clientCertificate: names }),
      );
      const table = compileRoutes(configs, () => []);
      const byName = NAMES.map((name) => ({
        name,
        hosts: covers.filter(([, owner]) => owner === name).map(([host]) => host),
      }));
      const asked = askedHosts(byName, configs);
      for (const host of HOSTS) {
        // Every path of every route, and one that only the root can match.
        const matched = [...PATHS, '/elsewhere'].flatMap(
          (path) => matchRoute(table, host, path)?.config.clientCertificate ?? [],
        );
        assert.deepEqual(of(asked, host).named, [...new Set(matched)].sort(), host);
        const covering = withBroader(host).map((pattern) => covers.find(([known]) => known === pattern)?.[1]);
        assert.equal(
          of(asked, host).covering,
          covering.find((name) => name !== undefined),
          host,
        );
      }
    }),
    { numRuns: 500 },
  );
});

test('hosts that are like their neighbours are not listed', () => {
  const plain = Array.from({ length: 50 }, (_, i) => routeConfig({ host: `h${i}.test` }));
  const one = routeConfig({ host: 'one.test', clientCertificate: ['devices'] });
  const asked = askedHosts([{ name: 'devices', hosts: [] }], [...plain, one]);
  assert.deepEqual([...asked], [['one.test', { covering: undefined, named: ['devices'] }]]);
});

test('a host with a route of its own has none of the entries that a wildcard route names', () => {
  const asked = askedHosts(
    [{ name: 'devices', hosts: [] }],
    [routeConfig({ host: '*.test', clientCertificate: ['devices'] }), routeConfig({ host: 'own.test' })],
  );
  assert.deepEqual(of(asked, 'a.test').named, ['devices']);
  assert.deepEqual(of(asked, 'own.test').named, []);
});
