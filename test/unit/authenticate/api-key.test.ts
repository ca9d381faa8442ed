import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makeApiKeyMethod } from '../../../src/authenticate/api-key.ts';
import { makeAuthenticate } from '../../../src/authenticate/authenticate.ts';
import type { Method } from '../../../src/authenticate/method.ts';
import { VerifiedCache } from '../../../src/authenticate/verified-cache.ts';
import { asGatewayError } from '../../../src/errors.ts';
import type { Identity, MethodName } from '../../../src/exchange.ts';
import { type Asked, routedWith } from './support.ts';

const KEY = 'sp_live';
const UNKNOWN = 'sp_unknown';
const bearer = (text: string) => `Bearer ${text}`;
const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`;

function open(waitMs = 0) {
  const asked: string[] = [];
  const uses: string[] = [];
  const failed: string[] = [];
  const known = {
    id: 'k1',
    owner: 'anna',
    groups: ['ops'],
    email: undefined,
    bounds: { routes: ['a.example/'], methods: [], addresses: [] },
    expiresAtSec: undefined,
  };
  const method = makeApiKeyMethod({
    realm: 'Test',
    apiKeys: {
      async byKey(key) {
        asked.push(key);
        return key === KEY ? known : undefined;
      },
      used: (id, address) => uses.push(`${id} ${address}`),
    },
    looksLikeKey: (text) => text.startsWith('sp_'),
    failures: {
      check: async () => ({ waitMs }),
      failed: async ({ address }) => failed.push(address),
    },
  });
  const cache = new VerifiedCache({
    entries: 10,
    cacheMs: 60_000,
    graceMs: 60_000,
    clock: () => 1_000,
    isStateUp: () => true,
    isRevoked: () => false,
  });
  const authenticate = makeAuthenticate([method, other('token', 'bearer'), other('basic', 'basic')], cache, {
    now: () => 0,
  });
  const ask = async (request: Asked, accept: readonly MethodName[] = ['token', 'apiKey', 'basic']) =>
    (await authenticate(routedWith(request, { accept }))).identity;
  const why = (request: Asked, accept?: readonly MethodName[]) =>
    ask(request, accept).then(
      (identity) => assert.fail(`${identity?.user} was let in`),
      (thrown: unknown) => asGatewayError(thrown).reason,
    );
  return { cache, ask, why, asked, uses, failed };
}

/** A method that takes whatever comes in its scheme. */
function other(name: 'token' | 'basic', scheme: string): Method {
  const identity: Identity = {
    user: name,
    method: name,
    groups: [],
    email: undefined,
    claims: {},
    sessionId: undefined,
    expiresAtSec: undefined,
  };
  const nothing = { account: undefined, sessionId: undefined, jti: undefined, subject: undefined };
  const ties = { expiresAtSec: undefined, needsState: false, issuedAtSec: undefined, ...nothing };
  return {
    name,
    scheme,
    credential: ({ request: { authorization } }) =>
      authorization?.toLowerCase().startsWith(`${scheme} `) === true ? authorization : undefined,
    inspect: () => ({ kind: 'verified', identity, ties }),
    challenge: () => undefined,
  };
}

test('an app password is taken as Bearer, as Basic password of any user, and as X-Api-Key', async () => {
  const { ask } = open();
  for (const request of [
    { authorization: bearer(KEY) },
    { authorization: basic(`anybody:${KEY}`) },
    { headers: ['x-api-key', KEY] },
  ]) {
    const identity = await ask(request);
    assert.deepEqual(
      [identity?.user, identity?.method, identity?.bounds?.routes],
      ['anna', 'apiKey', ['a.example/']],
    );
  }
});

test('it is told from tokens and passwords by its form, in whatever order they are accepted', async () => {
  const { ask } = open();
  assert.equal((await ask({ authorization: bearer('aa.bb.cc') }))?.method, 'token');
  assert.equal((await ask({ authorization: basic('anna:password') }))?.method, 'basic');
  assert.equal((await ask({ authorization: bearer(KEY) }))?.method, 'apiKey');
});

test('a wrong one never falls through to another method', async () => {
  const { why, asked } = open();
  for (const authorization of [bearer(UNKNOWN), basic(`anna:${UNKNOWN}`)]) {
    assert.equal(await why({ authorization }), 'api-key-unknown');
  }
  assert.equal(await why({ headers: ['x-api-key', UNKNOWN] }), 'api-key-unknown');
  assert.deepEqual(asked, [UNKNOWN, UNKNOWN, UNKNOWN]);
});

test('where it is not accepted it is a bad token, and where only it is, a token is refused', async () => {
  const { ask, why } = open();
  assert.equal((await ask({ authorization: bearer(KEY) }, ['token']))?.method, 'token');
  assert.equal(await why({ authorization: bearer('aa.bb.cc') }, ['apiKey']), 'scheme-not-accepted');
  assert.equal(
    await why({ authorization: basic('anna:password') }, ['apiKey', 'token']),
    'scheme-not-accepted',
  );
});

test('who is refused is told how to come in, once per scheme', async () => {
  const { ask } = open();
  const failure = await ask({ authorization: bearer(UNKNOWN) }).catch((thrown: unknown) =>
    asGatewayError(thrown),
  );
  const { headers } = asGatewayError(failure);
  assert.deepEqual(headers, ['www-authenticate', 'Bearer realm="Test", error="invalid_token"']);
});

test('two credentials at once are refused', async () => {
  const { why } = open();
  const header = ['x-api-key', KEY];
  for (const authorization of [bearer(KEY), basic('anna:password'), bearer('aa.bb.cc')]) {
    const headers = [...header, 'authorization', authorization];
    assert.equal(await why({ authorization, headers }), 'credential-twice', authorization);
  }
  assert.equal(await why({ headers: [...header, ...header] }), 'credential-twice');
});

test('an X-Api-Key of another form is meant for the service behind', async () => {
  const { ask, why } = open();
  assert.equal(await why({ headers: ['x-api-key', 'theirs'] }), 'credential-absent');
  const authorization = basic('anna:password');
  const headers = ['x-api-key', 'theirs', 'authorization', authorization];
  assert.equal((await ask({ authorization, headers }))?.method, 'basic');
});

test('failures are counted per address and slow down who fails, never who is right', async () => {
  const { ask, why, failed } = open(5_000);
  assert.equal(await why({ authorization: bearer(UNKNOWN), address: '192.0.2.7' }), 'throttled');
  assert.deepEqual(failed, ['192.0.2.7']);
  assert.equal((await ask({ authorization: bearer(KEY), address: '192.0.2.7' }))?.user, 'anna');
});

test('each use is noted, the state is asked once, and the end of the key is the end of the memory', async () => {
  const { ask, asked, uses, cache } = open();
  const request = { authorization: bearer(KEY), address: '192.0.2.7' };
  for (let i = 0; i < 3; i += 1) await ask(request);
  assert.deepEqual([asked.length, uses], [1, ['k1 192.0.2.7', 'k1 192.0.2.7', 'k1 192.0.2.7']]);
  cache.forget({ kind: 'api-key-ended', id: 'k1', user: 'anna' });
  await ask(request);
  assert.equal(asked.length, 2);
});
