import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import { Assertions } from '../../../src/authenticate/assertion.ts';
import { makeSigningKey } from '../../../src/authenticate/signing-key.ts';
import type { Identity } from '../../../src/exchange.ts';

const identity: Identity = {
  user: 'ann',
  method: 'token',
  groups: ['ops', 'dev'],
  email: 'ann@example.com',
  claims: { secret: 'not for upstreams' },
  sessionId: 's1',
  expiresAtSec: undefined,
};

function setUp() {
  const world = { nowMs: 1_700_000_000_000 };
  const key = makeSigningKey(0, 0);
  const assertions = new Assertions({ signingKey: () => key }, () => world.nowMs);
  const sign = (parts: object = {}) =>
    assertions.sign({ identity, audience: 'api', method: 'GET', path: '/v1', ...parts }) ?? '';
  return { world, key, sign };
}

test('an assertion is bound to identity, audience, method, path and a minute', async () => {
  const { world, key, sign } = setUp();
  const jwks = createLocalJWKSet(JSON.parse(JSON.stringify({ keys: [key.jwk] })));
  const { payload, protectedHeader } = await jwtVerify(sign(), jwks, {
    issuer: 'sallyport',
    audience: 'api',
    typ: 'assertion+jwt',
    currentDate: new Date(world.nowMs),
  });
  const { jti, ...claims } = payload;
  assert.equal(typeof jti, 'string');
  assert.equal(protectedHeader.alg, 'ES256');
  assert.deepEqual(claims, {
    iss: 'sallyport',
    sub: 'ann',
    aud: 'api',
    iat: 1_700_000_000,
    exp: 1_700_000_060,
    groups: ['ops', 'dev'],
    email: 'ann@example.com',
    htm: 'GET',
    path: '/v1',
  });
});

test('the same request of the same identity is signed once in half a life', () => {
  const { world, sign } = setUp();
  const token = sign();
  world.nowMs += 29_000;
  assert.equal(sign(), token);
  world.nowMs += 1_000;
  assert.notEqual(sign(), token);
});

test('nothing that is bound is shared', () => {
  const { sign } = setUp();
  const token = sign();
  for (const parts of [
    { identity: { ...identity } },
    { audience: 'other' },
    { method: 'POST' },
    { path: '/v1/x' },
    { path: '/v1', audience: 'api x' },
  ]) {
    assert.notEqual(sign(parts), token);
  }
  assert.equal(decodeJwt(sign({ method: 'POST' })).htm, 'POST');
});

test('a clock that is set back does not stretch an assertion', () => {
  const { world, sign } = setUp();
  const token = sign();
  world.nowMs -= 60_000;
  assert.notEqual(sign(), token);
});

test('without a key there is no assertion', () => {
  const assertions = new Assertions({ signingKey: () => undefined }, () => 0);
  assert.equal(assertions.sign({ identity, audience: 'a', method: 'GET', path: '/' }), undefined);
});
