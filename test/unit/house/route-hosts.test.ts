import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseConfig } from '../../../src/config/load.ts';
import { RouteHosts } from '../../../src/house/route-hosts.ts';

function hostsOf(...written: readonly string[]): RouteHosts {
  const routes = written.map(
    (host) => `  - { host: "${host}", upstream: "internal:whoami", public: true }\n`,
  );
  const { config } = parseConfig(`routes:\n${routes.join('')}`, { file: '/sallyport.yaml', env: {} });
  assert.ok(config !== undefined);
  return new RouteHosts(config.routes);
}

test('a name covers its host, a wildcard the hosts one label below and the wildcard itself, and nothing covers every host', () => {
  const hosts = hostsOf('a.test', 'b.a.test', 'c.b.a.test', '*.a.test', '*');
  assert.deepEqual(hosts.coveredBy(['a.test']), ['a.test']);
  assert.deepEqual([...hosts.coveredBy(['*.a.test', 'b.a.test'])].sort(), ['*.a.test', 'b.a.test']);
  assert.deepEqual(hosts.coveredBy(['*.b.a.test']), ['c.b.a.test']);
  assert.deepEqual(hosts.coveredBy(['*', 'other.test', '*.test']), ['a.test']);
});

test('a host is served by its name, by a wildcard one label above, or by a route for every host', () => {
  const some = hostsOf('a.test', '*.b.test');
  assert.deepEqual(
    ['a.test', 'x.b.test', 'b.test', 'y.x.b.test', 'c.test'].map((host) => some.serves(host)),
    [true, true, false, false, false],
  );
  assert.ok(hostsOf('*').serves('any.test'));
});
