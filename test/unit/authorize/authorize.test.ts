import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthorize } from '../../../src/authorize/authorize.ts';
import type { RouteConfig } from '../../../src/config/config.ts';
import { asGatewayError } from '../../../src/errors.ts';
import type { ClientCertificate, Identified, Identity } from '../../../src/exchange.ts';
import { routedWith } from '../authenticate/support.ts';

const NOW_SEC = 1_800_000_000;
const ORIGIN = 'https://a.example';

const person: Identity = {
  user: 'anna',
  method: 'session',
  groups: [],
  email: undefined,
  claims: {},
  sessionId: 's1',
  expiresAtSec: undefined,
  authenticatedAtSec: NOW_SEC - 600,
};

interface Case {
  readonly identity?: Partial<Identity>;
  readonly route?: Partial<RouteConfig>;
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly string[];
  readonly address?: string;
}

/** Gives `allowed`, or code and reason of the refusal. */
function outcome({ identity, route, method = 'GET', path = '/', headers = [], address }: Case): string {
  const plain = routedWith({ headers, ...(address !== undefined && { address }) });
  const arrived = { ...plain.arrived, request: { ...plain.arrived.request, method, path } };
  const config = { ...plain.route.config, ...route };
  const compiled = { id: config.id, config };
  const identified: Identified = {
    arrived,
    route: compiled,
    identity: { ...person, ...identity },
    ties: undefined,
  };
  try {
    makeAuthorize(
      [compiled],
      () => NOW_SEC * 1000,
      () => false,
    )(identified);
    return 'allowed';
  } catch (thrown) {
    const { code, reason } = asGatewayError(thrown);
    assert.equal(arrived.record.decision, 'denied');
    assert.equal(arrived.record.reason, reason);
    return `${code} ${reason}`;
  }
}

const FOREIGN = 'SP_AUTHORIZE_ORIGIN foreign-origin';

test('a page of another site changes nothing with the session cookie', () => {
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get']) {
    for (const origin of [
      'https://evil.example',
      'null',
      `${ORIGIN}:8443`,
      'http://a.example',
      'https://b.a.example',
    ]) {
      assert.equal(outcome({ method, headers: ['origin', origin] }), FOREIGN, `${method} ${origin}`);
    }
    for (const site of ['cross-site', 'same-site', 'odd']) {
      assert.equal(outcome({ method, headers: ['sec-fetch-site', site] }), FOREIGN, `${method} ${site}`);
    }
    const twice = ['origin', ORIGIN, 'origin', 'https://evil.example'];
    assert.equal(outcome({ method, headers: twice }), FOREIGN);
  }
});

test('pages of the host itself, people and programs without a browser may change things', () => {
  const lists = [['origin', ORIGIN], ['sec-fetch-site', 'same-origin'], ['sec-fetch-site', 'none'], []];
  for (const headers of lists) assert.equal(outcome({ method: 'POST', headers }), 'allowed', String(headers));
});

test('links from other sites are followed: reading is asked of nobody', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS']) {
    const headers = ['origin', 'https://evil.example', 'sec-fetch-site', 'cross-site'];
    assert.equal(outcome({ method, headers }), 'allowed');
  }
});

test('origins that the route names may change things', () => {
  const headers = ['origin', 'https://app.example', 'sec-fetch-site', 'cross-site'];
  assert.equal(outcome({ method: 'POST', headers, route: { cors: ['https://app.example'] } }), 'allowed');
  assert.equal(outcome({ method: 'POST', headers, route: { origins: ['https://app.example'] } }), 'allowed');
  assert.equal(outcome({ method: 'POST', headers, route: { origins: 'any' } }), 'allowed');
  assert.equal(outcome({ method: 'POST', headers, route: { origins: ['https://other.example'] } }), FOREIGN);
});

test('credentials that no browser adds by itself are not asked where the page is from', () => {
  const headers = ['origin', 'https://evil.example'];
  for (const method of ['token', 'apiKey'] as const) {
    assert.equal(outcome({ method: 'POST', headers, identity: { method } }), 'allowed');
  }
});

test('an app password is good for its routes, on segment boundaries, and for no other', () => {
  const at = (routes: readonly string[], path: string) =>
    outcome({ path, identity: { method: 'apiKey', bounds: { routes, methods: [], addresses: [] } } });
  for (const [routes, path, expected] of [
    [['a.example'], '/x', 'allowed'],
    [['a.example/v1'], '/v1', 'allowed'],
    [['a.example/v1'], '/v1/x', 'allowed'],
    [['a.example/v1/'], '/v1/x', 'allowed'],
    [['a.example/'], '/x', 'allowed'],
    [['b.example', 'a.example/x'], '/x', 'allowed'],
    [['a.example/v1'], '/v10', 'SP_AUTHORIZE_DENIED key-route'],
    [['a.example/v1'], '/', 'SP_AUTHORIZE_DENIED key-route'],
    [['b.example'], '/x', 'SP_AUTHORIZE_DENIED key-route'],
    [['example'], '/x', 'SP_AUTHORIZE_DENIED key-route'],
  ] as const) {
    assert.equal(at(routes, path), expected, `${routes} ${path}`);
  }
});

test('the id of a route binds an app password to whatever that route serves', () => {
  const bounds = { routes: ['*.example/'], methods: [], addresses: [] };
  assert.equal(outcome({ identity: { bounds }, route: { id: '*.example/' } }), 'allowed');
  assert.equal(outcome({ identity: { bounds }, route: { id: '*/' } }), 'SP_AUTHORIZE_DENIED key-route');
});

test('an app password is good for its methods and from its addresses', () => {
  const bounds = { routes: [], methods: ['GET'], addresses: ['192.0.2.0/24'] };
  const identity = { method: 'apiKey' as const, bounds };
  assert.equal(outcome({ identity }), 'allowed');
  assert.equal(outcome({ identity, method: 'POST' }), 'SP_AUTHORIZE_DENIED key-method');
  assert.equal(outcome({ identity, address: '198.51.100.1' }), 'SP_AUTHORIZE_DENIED key-address');
});

const OLD = 'SP_AUTHORIZE_REAUTHENTICATE sign-in-too-old';

test('a route that asks for a recent sign-in gets it from people, not from what cannot say', () => {
  const route = { maxAgeMs: 600_000 };
  assert.equal(outcome({ route }), OLD);
  assert.equal(outcome({ route, identity: { authenticatedAtSec: NOW_SEC - 599 } }), 'allowed');
  assert.equal(outcome({ route, identity: { authenticatedAtSec: undefined } }), OLD);
  assert.equal(outcome({ route, identity: { method: 'apiKey', authenticatedAtSec: undefined } }), OLD);
  const basic = { method: 'basic' as const, authenticatedAtSec: undefined };
  assert.equal(outcome({ route, identity: basic }), 'allowed', 'the password is in the request');
});

test('the age of sessions is asked of sessions only; the shorter age holds', () => {
  const route = { reauthMs: 600_000 };
  assert.equal(outcome({ route }), OLD);
  assert.equal(outcome({ route: { reauthMs: 601_000 } }), 'allowed');
  assert.equal(outcome({ route: { reauthMs: 601_000, maxAgeMs: 1_000 } }), OLD);
  assert.equal(outcome({ route, identity: { method: 'apiKey', authenticatedAtSec: undefined } }), 'allowed');
});

test('a second factor is asked of who may pass, and of nobody else', () => {
  const route = { secondFactor: 'required' as const };
  assert.equal(outcome({ route }), 'SP_AUTHORIZE_SECOND_FACTOR second-factor-missing');
  assert.equal(outcome({ route, identity: { secondFactorAtSec: NOW_SEC } }), 'allowed');
  const closed = { ...route, allow: { users: ['bob'] } };
  assert.equal(outcome({ route: closed }), 'SP_AUTHORIZE_DENIED user-not-allowed');
});

test('a route that needs a certificate lets nobody through without one that counts, be it public or not', () => {
  const shown: ClientCertificate = {
    demand: 'd',
    fault: undefined,
    trustedBy: [],
    fingerprint: '',
    subject: '',
    commonName: undefined,
    emails: [],
    dnsNames: [],
    uris: [],
    notBeforeMs: 0,
    notAfterMs: (NOW_SEC + 60) * 1000 + 500,
  };
  const { arrived, route } = routedWith({});
  for (const config of [route.config, { ...route.config, public: true, accept: [] }]) {
    const compiled = { id: config.id, config };
    const authorize = makeAuthorize(
      [compiled],
      () => NOW_SEC * 1000,
      () => true,
    );
    const identity = config.public ? null : person;
    const ask = (certificate: ClientCertificate | undefined, client = arrived.client) =>
      authorize({ arrived: { ...arrived, client }, route: compiled, identity, certificate });
    const refusal = (reason: string) => ({ code: 'SP_AUTHORIZE_CERTIFICATE', status: 403, reason });
    assert.throws(() => ask(undefined), refusal('certificate-missing'));
    const client = { ...arrived.client, certificate: shown };
    assert.throws(() => ask(undefined, client), refusal('certificate-untrusted'));
    assert.equal(ask(shown, client).ties?.expiresAtSec, NOW_SEC + 60, 'it ends with the certificate');
    assert.equal(ask(shown, client).identity, identity);
  }
});
