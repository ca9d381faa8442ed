import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeAuthorize } from '../../../src/authorize/authorize.ts';
import type { RouteConfig } from '../../../src/config/config.ts';
import type { Arrived, Identity } from '../../../src/exchange.ts';
import { arrivedWith } from '../authenticate/support.ts';
import { routeConfig } from '../route/route-config.ts';

type Person = Partial<Identity>;

function identityOf(person: Person): Identity {
  return {
    user: 'alice',
    method: 'token',
    groups: [],
    email: undefined,
    claims: {},
    sessionId: undefined,
    expiresAtSec: undefined,
    ...person,
  };
}

interface Visit {
  readonly method?: string;
  readonly address?: string;
  readonly origins?: readonly string[];
  readonly upgrade?: boolean;
  readonly authority?: string;
}

function arrivedBy({
  method = 'GET',
  address = '192.0.2.1',
  origins = [],
  upgrade,
  authority,
}: Visit): Arrived {
  const plain = arrivedWith({});
  const request = {
    ...plain.request,
    method,
    authority: authority ?? plain.request.authority,
    headers: origins.flatMap((origin) => ['origin', origin]),
    upgrade: upgrade === true ? ('websocket' as const) : undefined,
  };
  return { ...plain, request, client: { ...plain.client, address } };
}

/** Word of the refusal, or `admitted`. */
function decide(change: Partial<RouteConfig>, person: Person | null, visit: Visit = {}): string {
  const config = routeConfig({ public: false, accept: ['token'], allow: undefined, ...change });
  const route = { id: 'r', config };
  const arrived = arrivedBy(visit);
  try {
    makeAuthorize(
      [route],
      Date.now,
    )({ arrived, route, identity: person === null ? null : identityOf(person) });
    assert.equal(arrived.record.decision, 'allowed');
    return 'admitted';
  } catch (thrown) {
    assert.ok(thrown instanceof Error && 'reason' in thrown);
    assert.equal(arrived.record.decision, 'denied');
    return String(thrown.reason);
  }
}

test('a route admits nobody unless it says whom', () => {
  assert.equal(decide({}, {}), 'no-allow');
  assert.equal(decide({}, null), 'no-allow');
  assert.equal(decide({ allow: 'authenticated' }, null), 'no-allow');
  assert.equal(decide({ allow: { methods: ['GET'] } }, null), 'no-allow');
  assert.equal(decide({ allow: 'authenticated' }, {}), 'admitted');
  assert.equal(decide({ public: true }, null), 'admitted');
});

test('a route that was not compiled admits nobody', () => {
  const config = routeConfig({ public: true });
  const authorize = makeAuthorize([{ id: 'r', config }], Date.now);
  const arrived = arrivedBy({});
  assert.throws(() => authorize({ arrived, route: { id: 'r', config }, identity: null }), {
    reason: 'no-allow',
  });
});

test('any value of a key will do, every key must be met, and the first unmet one is named', () => {
  const allow = { users: ['alice', 'bob'], groups: ['ops', 'dev'] };
  assert.equal(decide({ allow }, { user: 'bob', groups: ['x', 'dev'] }), 'admitted');
  assert.equal(decide({ allow }, { user: 'eve', groups: ['dev'] }), 'user-not-allowed');
  assert.equal(decide({ allow }, { user: 'bob', groups: ['x'] }), 'group-missing');
  assert.equal(decide({ allow }, { user: 'eve', groups: [] }), 'user-not-allowed');
  assert.equal(decide({ allow: { users: ['Alice'] } }, {}), 'user-not-allowed');
  assert.equal(decide({ allow: { users: [] } }, {}), 'user-not-allowed');
});

test('an e-mail address counts whole or by its whole domain, and only when there is one', () => {
  const allow = { emails: ['*@corp.com', 'Bob@example.com'] };
  for (const [email, word] of [
    ['a@corp.com', 'admitted'],
    ['A@CORP.com', 'admitted'],
    ['bob@example.com', 'admitted'],
    ['eve@example.com', 'email-not-allowed'],
    ['a@evil.com@corp.com', 'email-not-allowed'],
    ['a@sub.corp.com', 'email-not-allowed'],
    ['a@evilcorp.com', 'email-not-allowed'],
    ['@corp.com@', 'email-not-allowed'],
    ['corp.com', 'email-not-allowed'],
    [undefined, 'email-not-allowed'],
  ] as const) {
    assert.equal(decide({ allow }, { email }), word, String(email));
  }
});

test('claims are found at their path, as one value or many', () => {
  const allow = { claims: { 'realm.roles': ['admin'], level: ['3'] } };
  assert.equal(decide({ allow }, { claims: { realm: { roles: ['x', 'admin'] }, level: 3 } }), 'admitted');
  assert.equal(decide({ allow }, { claims: { 'realm.roles': 'admin', level: '3' } }), 'admitted');
  assert.equal(decide({ allow }, { claims: { realm: { roles: ['admins'] }, level: 3 } }), 'claim-missing');
  assert.equal(decide({ allow }, { claims: { realm: { roles: ['admin'] } } }), 'claim-missing');
  assert.equal(decide({ allow: { claims: { __proto__x: ['1'], constructor: ['1'] } } }, {}), 'claim-missing');
});

test('methods and addresses are the request’s own', () => {
  const allow = { methods: ['get'], addresses: ['192.0.2.0/24', '2001:db8::/32'] };
  assert.equal(decide({ allow }, {}), 'admitted');
  assert.equal(decide({ allow }, {}, { address: '2001:db8::1' }), 'admitted');
  assert.equal(decide({ allow }, {}, { method: 'POST' }), 'method-not-allowed');
  assert.equal(decide({ allow }, {}, { address: '198.51.100.1' }), 'address-not-allowed');
  assert.equal(decide({ allow }, {}, { address: 'unknown' }), 'address-not-allowed');
});

test('a WebSocket is opened by pages of the same origin alone, unless the route names others', () => {
  const open = (origins: readonly string[], change: Partial<RouteConfig> = {}): string =>
    decide({ public: true, ...change }, null, { upgrade: true, origins, authority: 'a.example:8443' });
  assert.equal(open([]), 'admitted');
  assert.equal(open(['https://a.example:8443']), 'admitted');
  for (const origin of ['https://a.example', 'http://a.example:8443', 'https://b.example:8443', 'null', '']) {
    assert.equal(open([origin]), 'foreign-origin', origin);
  }
  assert.equal(open(['https://a.example:8443', 'https://a.example:8443']), 'foreign-origin');
  assert.equal(open(['https://b.example'], { origins: ['https://b.example'] }), 'admitted');
  assert.equal(open(['https://evil.test'], { origins: 'any' }), 'admitted');
  assert.equal(decide({ public: true }, null, { origins: ['https://evil.test'] }), 'admitted');
});
