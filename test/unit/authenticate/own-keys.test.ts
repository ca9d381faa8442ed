import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { OwnKeys } from '../../../src/authenticate/own-keys.ts';
import { OwnTokens } from '../../../src/authenticate/own-tokens.ts';
import { GatewayError } from '../../../src/errors.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import type { Records, Store } from '../../../src/state/store.ts';
import { failureOf } from './support.ts';

const DAY_MS = 86_400_000;
const sealer = makeSealer(randomBytes(32));
let folder = '';
let number = 0;
const closing: (() => void | Promise<void>)[] = [];

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-own-'));
});
after(async () => {
  for (const close of closing) await close();
  await rm(folder, { recursive: true, force: true });
});

function setUp() {
  const world = { nowMs: Date.now() };
  const clock = () => world.nowMs;
  const store: Store = openEmbeddedStore({
    path: join(folder, `${number++}.db`),
    clock,
    logger: silentLogger,
  });
  closing.push(() => store.close());
  const load = async (records: Records = store.records) => {
    const keys = await OwnKeys.load({
      records,
      sealer,
      clock,
      logger: silentLogger,
      retryMs: 20,
      coolDownMs: 50,
    });
    closing.push(() => keys.close());
    return keys;
  };
  return { world, clock, store, load };
}

const kids = (keys: OwnKeys) => keys.jwks().keys.map((key) => ('kid' in key ? key.kid : undefined));
const order = { subject: 'ann', groups: ['ops'], email: 'ann@example.com', sessionId: 's1' };

test('processes that start at once share one key', async () => {
  const { load } = setUp();
  const loaded = await Promise.all([load(), load(), load(), load()]);
  assert.equal(new Set(loaded.map((keys) => keys.signingKey()?.kid)).size, 1);
  assert.equal(loaded[0]?.jwks().keys.length, 1);
});

test('the private half is sealed in the state and never published', async () => {
  const { store, load } = setUp();
  const keys = await load();
  const record = await store.records.get('own-keys');
  const pkcs8 =
    keys.signingKey()?.privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64') ?? 'none';
  assert.ok(
    record !== undefined && !Buffer.from(record.value).toString('latin1').includes(pkcs8.slice(20, 60)),
  );
  assert.ok(!('d' in (keys.jwks().keys[0] ?? {})));
});

test('a state sealed with another key is a failure to start', async () => {
  const { load, store, clock } = setUp();
  await load();
  const other = makeSealer(randomBytes(32));
  await assert.rejects(OwnKeys.load({ records: store.records, sealer: other, clock, logger: silentLogger }));
});

test('a key is announced before it signs, and the one before is published on', async () => {
  const { world, load } = setUp();
  const old = (await load()).signingKey();
  world.nowMs += 30 * DAY_MS;
  const keys = await load();
  assert.equal(keys.jwks().keys.length, 2);
  assert.equal(keys.signingKey()?.kid, old?.kid);
  world.nowMs += 600_000;
  assert.notEqual(keys.signingKey()?.kid, old?.kid);
  assert.ok(kids(keys).includes(old?.kid));
  for (let n = 0; n < 4; n++) {
    world.nowMs += 30 * DAY_MS;
    await load();
  }
  const last = await load();
  assert.equal(last.jwks().keys.length, 3);
  assert.ok(!kids(last).includes(old?.kid));
});

test('an issued token verifies with the published keys and carries its session', async () => {
  const { clock, load } = setUp();
  const keys = await load();
  const issued = new OwnTokens(keys, clock).issue(order, 60);
  const jwks = createLocalJWKSet(JSON.parse(JSON.stringify(keys.jwks())));
  const { payload } = await jwtVerify(issued.token, jwks, {
    issuer: 'sallyport',
    audience: 'sallyport',
    typ: 'at+jwt',
  });
  assert.deepEqual(
    [payload.sub, payload.groups, payload.email, payload.sid, payload.jti, payload.exp],
    ['ann', ['ops'], 'ann@example.com', 's1', issued.jti, issued.expiresAtSec],
  );
});

test('another process verifies a token signed with a key that it has not seen yet', async () => {
  const { world, clock, load } = setUp();
  const early = await load();
  world.nowMs += 31 * DAY_MS;
  const late = await load();
  world.nowMs += 600_000;
  const { token } = new OwnTokens(late, clock).issue(order, 60);
  const { kid } = decodeProtectedHeader(token);
  assert.ok(!kids(early).includes(kid));
  // The reading at the start counts for the cool-down as well.
  await new Promise((resolve) => setTimeout(resolve, 60));
  const verdict = await new OwnTokens(early, clock).issuer.verify(token, { alg: 'ES256', kid });
  assert.equal(verdict.kind, 'token');
});

test('a state that is away at the start is no failure, and the keys come by themselves', async () => {
  const { store, clock, load } = setUp();
  let away = true;
  const records: Records = {
    get: (key) => (away ? Promise.reject(new GatewayError('SP_STATE_UNREACHABLE')) : store.records.get(key)),
    put: (...put) => store.records.put(...put),
    delete: (...gone) => store.records.delete(...gone),
    list: (...list) => store.records.list(...list),
  };
  const keys = await load(records);
  const tokens = new OwnTokens(keys, clock);
  assert.equal((await failureOf(() => tokens.issue(order, 60))).code, 'SP_STATE_UNREACHABLE');
  const error = await failureOf(() => keys.candidates({ alg: 'ES256', kid: 'x' }));
  assert.deepEqual([error.code, error.reason], ['SP_AUTHENTICATE_UNAVAILABLE', 'keys-unavailable']);
  away = false;
  for (let n = 0; n < 100 && keys.signingKey() === undefined; n++)
    await new Promise((resolve) => setTimeout(resolve, 10));
  assert.ok(tokens.issue(order, 60).token.length > 0);
});
