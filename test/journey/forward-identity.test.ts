import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { basic } from '../support/ask.ts';
import { type Echo, type EchoUpstream, fieldOf, startEchoUpstream } from '../support/echo-upstream.ts';
import { FRONTS, type Front, type Question } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const PASSWORD = 'correct horse';

let upstream: EchoUpstream;
let house: TestGateway;

before(async () => {
  upstream = await startEchoUpstream();
  house = await startTestGateway({
    yaml: `authenticate: { basic: { realm: Test } }
upstreams: { echo: { targets: ["${upstream.url}"] }, named: { targets: ["${upstream.url}"], hostHeader: target } }
routes:
  - { host: localhost, upstream: echo, allow: authenticated }
  - { host: localhost, path: /app, upstream: echo, allow: authenticated, stripPath: true }
  - { host: localhost, path: /app/admin, upstream: echo, allow: { groups: [admins] }, stripPath: true }
  - { host: localhost, path: /pass, upstream: echo, allow: authenticated, passCredential: true }
  - { host: localhost, path: /open, upstream: echo, public: true }
  - { host: localhost, path: /named, upstream: named, public: true }
  - { host: localhost, path: /who, upstream: "internal:whoami", allow: authenticated, stripPath: true }
`,
  });
  await house.call('PUT', '/v1/users/alice', {
    password: PASSWORD,
    groups: ['staff'],
    email: 'alice@example.com',
  });
});

after(async () => {
  await house.close();
  await upstream.close();
});

/** What the upstream saw of a request by Alice. */
async function seenOf(front: Front, question: Question): Promise<Echo> {
  const headers = { ...basic('alice', PASSWORD), ...question.headers };
  const told = await front.ask(house, { ...question, headers });
  assert.equal(told.status, 200, told.text);
  const seen = upstream.seen.at(-1);
  assert.ok(seen !== undefined);
  return seen;
}

async function assertionOf(front: Front, echo: Echo): Promise<JWTPayload> {
  const told = await front.ask(house, { path: '/.sallyport/jwks.json' });
  const keys = createLocalJWKSet(JSON.parse(told.text));
  const token = fieldOf(echo.fields, 'x-sallyport-assertion') ?? '';
  return (await jwtVerify(token, keys, { audience: 'echo', typ: 'assertion+jwt' })).payload;
}

for (const front of FRONTS) {
  test(`${front.name}: the upstream is told who asks, and can check it for method and path`, async () => {
    const seen = await seenOf(front, { method: 'DELETE', path: '/things/7?x=1' });
    assert.equal(fieldOf(seen.fields, 'x-forwarded-user'), 'alice');
    assert.equal(fieldOf(seen.fields, 'x-forwarded-groups'), 'staff');
    assert.equal(fieldOf(seen.fields, 'x-forwarded-email'), 'alice@example.com');
    const claims = await assertionOf(front, seen);
    assert.deepEqual([claims.sub, claims.htm, claims.path], ['alice', 'DELETE', '/things/7']);
  });

  test(`${front.name}: where and how the client came is told anew`, async () => {
    const { fields } = await seenOf(front, {
      path: '/',
      host: `localhost:${house.port}`,
      headers: { 'x-forwarded-for': '6.6.6.6', forwarded: 'for=6.6.6.6', 'x-forwarded-prefix': '/evil' },
    });
    const told = ['for', 'proto', 'host', 'port', 'prefix'].map((name) =>
      fieldOf(fields, `x-forwarded-${name}`),
    );
    assert.deepEqual(told, ['127.0.0.1', 'https', `localhost:${house.port}`, String(house.port), undefined]);
    assert.equal(fieldOf(fields, 'forwarded'), `for=127.0.0.1;host="localhost:${house.port}";proto=https`);
    assert.match(fieldOf(fields, 'x-request-id') ?? '', /^[0-9a-z]{12,}$/);
    assert.equal(fieldOf(fields, 'host'), `localhost:${house.port}`);
    const named = await seenOf(front, { path: '/named' });
    assert.equal(fieldOf(named.fields, 'host'), `127.0.0.1:${upstream.port}`);
  });

  test(`${front.name}: the credential stays here unless the route passes it on`, async () => {
    const cookie = 'a=1; __Host-sallyport=secret; b=2';
    const kept = await seenOf(front, { path: '/', headers: { cookie } });
    assert.equal(fieldOf(kept.fields, 'authorization'), undefined);
    assert.equal(fieldOf(kept.fields, 'cookie'), 'a=1; b=2');
    const alone = await seenOf(front, { path: '/', headers: { cookie: '__Host-sallyport=secret' } });
    assert.equal(fieldOf(alone.fields, 'cookie'), undefined);
    const passed = await seenOf(front, { path: '/pass' });
    assert.match(fieldOf(passed.fields, 'authorization') ?? '', /^Basic /);
    const open = await seenOf(front, { path: '/open', headers: { authorization: 'Custom app', cookie } });
    assert.equal(fieldOf(open.fields, 'authorization'), 'Custom app');
    assert.equal(fieldOf(open.fields, 'cookie'), 'a=1; b=2');
    assert.equal(fieldOf(open.fields, 'x-sallyport-assertion'), undefined);
  });

  test(`${front.name}: the route's prefix is taken off where the route says so, and told`, async () => {
    for (const [asked, got] of [
      ['/app', '/'],
      ['/app/', '/'],
      ['/app?x=/app', '/?x=/app'],
      ['/app/app/x', '/app/x'],
      ['/app/administer', '/administer'],
      ['/%61pp/x', '/x'],
    ] as const) {
      const seen = await seenOf(front, { path: asked });
      assert.equal(seen.requestLine, `GET ${got} HTTP/1.1`);
      assert.equal(fieldOf(seen.fields, 'x-forwarded-prefix'), '/app');
      assert.equal((await assertionOf(front, seen)).path, got.split('?')[0]);
    }
    const whole = await seenOf(front, { path: '/application' });
    assert.equal(whole.requestLine, 'GET /application HTTP/1.1');
    assert.equal(fieldOf(whole.fields, 'x-forwarded-prefix'), undefined);
    const who = await front.ask(house, { path: '/who/am/i', headers: basic('alice', PASSWORD) });
    assert.equal(JSON.parse(who.text).path, '/am/i');
  });

  test(`${front.name}: policy reads the path before the prefix is taken off`, async () => {
    for (const path of ['/app/admin', '/app/admin/', '/app/admin/x', '/app/%61dmin']) {
      assert.equal((await front.ask(house, { path, headers: basic('alice', PASSWORD) })).status, 403, path);
    }
    for (const path of [
      '/app/../app/admin',
      '/app//admin',
      '/app/%2e%2e/x',
      '/app%2fadmin',
      '/app/admin;x',
    ]) {
      assert.equal((await front.ask(house, { path, headers: basic('alice', PASSWORD) })).status, 400, path);
    }
  });

  test(`${front.name}: the gateway's own pages answer on every host that has routes`, async () => {
    const who = await front.ask(house, { path: '/.sallyport/whoami', headers: basic('alice', PASSWORD) });
    const { user, groups, method } = JSON.parse(who.text);
    assert.deepEqual([user, groups, method], ['alice', ['staff'], 'basic']);
    assert.equal((await front.ask(house, { path: '/.sallyport/whoami' })).status, 401);
    assert.equal((await front.ask(house, { path: '/.sallyport/nothing' })).status, 404);
    const head = await front.ask(house, { method: 'HEAD', path: '/.sallyport/jwks.json' });
    assert.deepEqual([head.status, head.text], [200, '']);
    const issued = await front.ask(house, {
      method: 'POST',
      path: '/.sallyport/token',
      headers: basic('alice', PASSWORD),
    });
    const { access_token: token } = JSON.parse(issued.text);
    const again = await front.ask(house, {
      path: '/.sallyport/whoami',
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(JSON.parse(again.text).method, 'token');
  });
}
