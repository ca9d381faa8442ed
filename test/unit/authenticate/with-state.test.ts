import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { Assertions } from '../../../src/authenticate/assertion.ts';
import { makeAuthenticate } from '../../../src/authenticate/authenticate.ts';
import { OwnKeys } from '../../../src/authenticate/own-keys.ts';
import { OwnTokens } from '../../../src/authenticate/own-tokens.ts';
import { makeTokenMethod } from '../../../src/authenticate/token.ts';
import { VerifiedCache } from '../../../src/authenticate/verified-cache.ts';
import { GatewayError } from '../../../src/errors.ts';
import { systemClock as clock } from '../../../src/lib/clock.ts';
import { silentLogger as logger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { Revocations } from '../../../src/sessions/revocations.ts';
import { Sessions } from '../../../src/sessions/sessions.ts';
import { openEmbeddedStore } from '../../../src/state/embedded.ts';
import { Notices } from '../../../src/state/notices.ts';
import { failureOf, routedWith } from './support.ts';

const folder = await mkdtemp(join(tmpdir(), 'sallyport-with-state-'));
const path = join(folder, 'state.db');
const sealer = makeSealer(randomBytes(32));
const closing: (() => void | Promise<void>)[] = [() => rm(folder, { recursive: true, force: true })];
after(async () => {
  for (const close of closing.reverse()) await close();
});

/** One process on the shared state. */
async function startProcess() {
  const store = openEmbeddedStore({ path, clock, logger });
  const notices = new Notices({ store, logger });
  const sessions = new Sessions({
    store,
    notices,
    clock,
    logger,
    config: { idleMs: 600_000, absoluteMs: 3_600_000 },
  });
  const revocations = new Revocations({ store, notices, clock, logger });
  const isRevoked: Revocations['isRevoked'] = (token) => revocations.isRevoked(token);
  const isStateUp = () => store.health().up;
  const cache = new VerifiedCache({
    entries: 100,
    cacheMs: 60_000,
    graceMs: 60_000,
    clock,
    isStateUp,
    isRevoked,
  });
  notices.on((notice) => cache.forget(notice));
  notices.onGap(() => cache.forgetAll());
  await revocations.start();
  await notices.start();
  const keys = await OwnKeys.load({ records: store.records, sealer, clock, logger });
  const tokens = new OwnTokens(keys, clock);
  const method = makeTokenMethod({ issuers: [tokens.issuer], realm: 'gateway', sessions, isRevoked });
  const authenticate = makeAuthenticate([method], cache, { now: () => performance.now() });
  closing.push(async () => {
    keys.close();
    revocations.close();
    notices.close();
    await sessions.close();
    await store.close();
  });
  const ask = (token: string) =>
    authenticate(routedWith({ authorization: `Bearer ${token}` }, { accept: ['token'] }));
  return { sessions, revocations, keys, tokens, ask };
}

const here = await startProcess();
const there = await startProcess();

async function signIn(user: string) {
  const session = await here.sessions.create({ user, groups: ['ops'], email: undefined, method: 'basic' });
  const order = { subject: user, groups: ['ops'], email: undefined, sessionId: session.id };
  return { session, ...here.tokens.issue(order, 600) };
}

/** Gives the reason for which the other process refuses, which it must do within a second. */
async function refusedThere(token: string) {
  for (const startedMs = performance.now(); performance.now() - startedMs < 1000; await delay(10)) {
    try {
      await there.ask(token);
    } catch (error) {
      return error instanceof GatewayError ? error.reason : String(error);
    }
  }
  return 'still accepted';
}

test('a token issued by one process counts in the other, and no longer once its session has ended', async () => {
  const { token, session } = await signIn('ann');
  assert.equal((await there.ask(token)).identity?.user, 'ann');
  assert.ok(!(there.ask(token) instanceof Promise));
  await here.sessions.revoke(session.id);
  assert.equal(await refusedThere(token), 'session-ended');
});

test('revoking a token by its id counts in every process within a second, remembered or not', async () => {
  const { token, jti } = await signIn('bob');
  await there.ask(token);
  await here.revocations.revokeToken(jti);
  assert.equal(await refusedThere(token), 'token-revoked');
});

test('an assertion that an upstream was sent is no token', async () => {
  const { token } = await signIn('cid');
  const { identity } = await here.ask(token);
  assert.ok(identity !== null);
  const assertions = new Assertions(here.keys, clock);
  for (const audience of ['api', 'sallyport']) {
    const assertion: string = assertions.sign({ identity, audience, method: 'GET', path: '/' }) ?? '';
    assert.equal((await failureOf(() => here.ask(assertion))).code, 'SP_AUTHENTICATE_REJECTED');
  }
});
