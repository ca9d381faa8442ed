import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RouteConfig } from '../../../src/config/config.ts';
import { compileRoutes } from '../../../src/route/compile-routes.ts';
import { matchRoute } from '../../../src/route/match-route.ts';
import { routeConfig } from './route-config.ts';

function routeOf(pairs: readonly string[], host: string, path: string): string | undefined {
  return matchRoute(
    compileRoutes(pairs.map(configOf), () => []),
    host,
    path,
  )?.id;
}

/** `host/path` as a route. */
function configOf(id: string): RouteConfig {
  const slash = id.indexOf('/');
  return routeConfig({ id, host: id.slice(0, slash), path: id.slice(slash) });
}

test('the most specific host wins: its own name, then a wildcard of one label, then any', () => {
  const pairs = ['a.example.com/', '*.example.com/', '*/'];
  for (const [host, id] of [
    ['a.example.com', 'a.example.com/'],
    ['b.example.com', '*.example.com/'],
    ['a.b.example.com', '*/'],
    ['example.com', '*/'],
    ['[::1]', '*/'],
    ['com', '*/'],
  ] as const) {
    assert.equal(routeOf(pairs, host, '/'), id, host);
  }
});

test('a host with routes of its own never falls back to those of a wildcard', () => {
  const pairs = ['a.example.com/only', '*.example.com/', '*/'];
  assert.equal(routeOf(pairs, 'a.example.com', '/other'), undefined);
  assert.equal(routeOf(pairs, 'a.example.com', '/only/x'), 'a.example.com/only');
  assert.equal(routeOf(['*.example.com/x', '*/'], 'a.example.com', '/y'), undefined);
});

test('the longest prefix wins, on whole segments alone', () => {
  const pairs = ['h/', 'h/a', 'h/a/b/c', 'h/a.b'];
  for (const [path, id] of [
    ['/', 'h/'],
    ['/a', 'h/a'],
    ['/a/', 'h/a'],
    ['/ab', 'h/'],
    ['/a.b/c', 'h/a.b'],
    ['/a/b', 'h/a'],
    ['/a/b/cc', 'h/a'],
    ['/a/b/c', 'h/a/b/c'],
    ['/a/b/c/', 'h/a/b/c'],
    ['/a/b/c/d/e/f', 'h/a/b/c'],
    ['/A', 'h/'],
  ] as const) {
    assert.equal(routeOf(pairs, 'h', path), id, path);
  }
  assert.equal(routeOf(['h/a'], 'h', '/'), undefined);
});

test('other routes change nothing: one, 99, 101 or 10,000 of them', () => {
  const asked = [
    ['app.example.com', '/'],
    ['app.example.com', '/api'],
    ['app.example.com', '/api/v1/x'],
    ['app.example.com', '/apiary'],
    ['other.example.com', '/api'],
    ['deep.other.example.com', '/'],
  ] as const;
  const base = ['app.example.com/', 'app.example.com/api', 'app.example.com/api/v1', '*.example.com/', '*/x'];
  const plain = asked.map(([host, path]) => routeOf(base, host, path));
  for (const count of [1, 99, 101, 10_000]) {
    const more = Array.from({ length: count }, (_, i) =>
      i % 2 === 0 ? `h${i}.example.net/` : `app.example.com/other${i}/${'d/'.repeat(i % 7)}x`,
    );
    const table = compileRoutes([...more, ...base].map(configOf), () => []);
    const found = asked.map(([host, path]) => matchRoute(table, host, path)?.id);
    assert.deepEqual(found, plain, `${count}`);
  }
});

test('every host with routes has the pages of the gateway', () => {
  const pages = (host: string): RouteConfig[] => [routeConfig({ id: 'page', host, path: '/.sallyport' })];
  const table = compileRoutes(['a.example.com/app', '*.example.com/'].map(configOf), pages);
  for (const host of ['a.example.com', 'b.example.com']) {
    assert.equal(matchRoute(table, host, '/.sallyport/x')?.id, 'page');
  }
  assert.equal(matchRoute(table, 'c.example.net', '/.sallyport'), undefined);
});
