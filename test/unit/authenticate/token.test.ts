import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeAuthenticate } from '../../../src/authenticate/authenticate.ts';
import { loadTokenIssuer } from '../../../src/authenticate/load-token-issuer.ts';
import { makeTokenMethod } from '../../../src/authenticate/token.ts';
import { VerifiedCache } from '../../../src/authenticate/verified-cache.ts';
import type { TokenIssuerConfig } from '../../../src/config/config.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Secret } from '../../../src/lib/secret.ts';
import {
  ecPair,
  failureOf,
  forge,
  goodClaims,
  issuerConfig,
  KnownSessions,
  nowSec,
  pemOf,
  type RouteSettings,
  routedWith,
} from './support.ts';

const pair = ecPair();
let folder = '';
let path = '';

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-token-'));
  path = join(folder, 'key.pem');
  await writeFile(path, pemOf(pair.publicKey));
});
after(() => rm(folder, { recursive: true, force: true }));

async function setUp(rules: Partial<TokenIssuerConfig> = {}) {
  const world = { nowMs: Date.now(), up: true, revoked: new Set<string>() };
  const clock = () => world.nowMs;
  const sessions = new KnownSessions();
  const isRevoked = ({ jti }: { jti: string | undefined }) => jti !== undefined && world.revoked.has(jti);
  const config = issuerConfig({ keys: { kind: 'file', path }, ...rules });
  const issuer = await loadTokenIssuer(config, clock, silentLogger);
  const method = makeTokenMethod({ issuers: [issuer], realm: 'gateway', sessions, isRevoked });
  const isStateUp = () => world.up;
  const cache = new VerifiedCache({
    entries: 10,
    cacheMs: 60_000,
    graceMs: 120_000,
    clock,
    isStateUp,
    isRevoked,
  });
  const authenticate = makeAuthenticate([method], cache, { now: () => performance.now() });
  const ask = (claims: object, settings: RouteSettings = {}) => {
    const authorization = `Bearer ${sign(claims)}`;
    return authenticate(routedWith({ authorization }, { accept: ['token'], ...settings }));
  };
  return { world, sessions, cache, ask, issuer };
}

const tokens = new Map<object, string>();

/** The same claims give the same token, as a client would send it again. */
function sign(claims: object): string {
  const token = tokens.get(claims) ?? forge({ alg: 'ES256' }, claims, pair.privateKey);
  tokens.set(claims, token);
  return token;
}

test('user, groups and email are found where the configuration says', async () => {
  const { ask } = await setUp({ user: 'preferred_username', groups: 'realm_access.roles', email: 'mail' });
  const { identity } = await ask(
    goodClaims({ preferred_username: 'Ann', realm_access: { roles: ['ops'] }, mail: 'ANN@example.com' }),
  );
  assert.deepEqual([identity?.user, identity?.groups, identity?.email], ['Ann', ['ops'], 'ann@example.com']);
  assert.equal(identity?.claims.sub, 'alice');
  assert.equal(identity?.sessionId, undefined);
});

test('a remembered token ends when it expires, tolerance included', async () => {
  const { world, ask } = await setUp();
  const exp = nowSec() + 30;
  const claims = goodClaims({ exp });
  await ask(claims);
  world.nowMs = (exp + 4) * 1000;
  assert.ok(!(ask(claims) instanceof Promise));
  world.nowMs += 2_000;
  assert.equal((await failureOf(() => ask(claims))).reason, 'token-expired');
});

test('a token older than its greatest age is refused, remembered or not', async () => {
  const { world, ask } = await setUp({ maxAgeSec: 10 });
  const claims = goodClaims();
  await ask(claims);
  world.nowMs += 17_000;
  assert.equal((await failureOf(() => ask(claims))).reason, 'token-too-old');
  assert.equal((await failureOf(() => ask(goodClaims({ iat: undefined })))).reason, 'token-claims');
});

test('claims that the configuration requires must be there', async () => {
  const { ask } = await setUp({ requiredClaims: ['scope'] });
  assert.equal((await failureOf(() => ask(goodClaims()))).reason, 'token-claims');
  assert.equal((await ask(goodClaims({ scope: 'x' }))).identity?.user, 'alice');
});

test('a revoked token is refused, remembered or not', async () => {
  const { world, ask } = await setUp();
  const claims = goodClaims();
  await ask(claims);
  world.revoked.add('j1');
  assert.equal((await failureOf(() => ask(claims))).reason, 'token-revoked');
  assert.equal((await failureOf(() => ask(goodClaims({ sub: 'bob' })))).reason, 'token-revoked');
});

test('a token bound to a session lives and ends with it', async () => {
  const { sessions, cache, ask } = await setUp({ session: 'required' });
  sessions.users.set('s1', 'alice');
  const claims = goodClaims({ sid: 's1' });
  assert.equal((await ask(claims)).identity?.sessionId, 's1');
  assert.ok(!(ask(claims) instanceof Promise));
  assert.deepEqual([sessions.asked, sessions.touched], [1, ['s1', 's1']]);
  sessions.users.delete('s1');
  cache.forget({ kind: 'session-ended', id: 's1', user: 'alice' });
  assert.equal((await failureOf(() => ask(claims))).reason, 'session-ended');
});

test('a token cannot borrow the session of somebody else', async () => {
  const { sessions, ask } = await setUp({ session: 'required' });
  sessions.users.set('s2', 'bob');
  assert.equal((await failureOf(() => ask(goodClaims({ sid: 's2' })))).reason, 'session-ended');
  assert.equal((await failureOf(() => ask(goodClaims()))).reason, 'token-claims');
});

test('where no session is required none is asked for', async () => {
  const { sessions, ask } = await setUp();
  sessions.away = true;
  assert.equal((await ask(goodClaims({ sid: 'of the provider' }))).identity?.user, 'alice');
  assert.equal(sessions.asked, 0);
});

test('while the state is away bound tokens go on as known, unbound ones as ever, and a closed route takes none', async () => {
  const { world, sessions, ask } = await setUp({ session: 'required' });
  sessions.users.set('s1', 'alice');
  const claims = goodClaims({ sid: 's1' });
  await ask(claims);
  sessions.away = true;
  world.up = false;
  world.nowMs += 100_000;
  assert.equal((await ask(claims)).identity?.user, 'alice');
  const fresh = await failureOf(() => ask(goodClaims({ sid: 's1', jti: 'j2' })));
  assert.equal(fresh.code, 'SP_AUTHENTICATE_UNAVAILABLE');
  const free = await setUp();
  free.world.up = false;
  assert.equal((await free.ask(goodClaims())).identity?.user, 'alice');
  const closed = await failureOf(() => free.ask(goodClaims(), { storeDown: 'closed' }));
  assert.equal(closed.code, 'SP_AUTHENTICATE_UNAVAILABLE');
});

test('the name of an issuer is given once', async () => {
  const { issuer, sessions } = await setUp();
  const options = { issuers: [issuer, issuer], realm: 'r', sessions, isRevoked: () => false };
  assert.equal((await failureOf(() => makeTokenMethod(options))).code, 'SP_CONFIG_INVALID');
});

test('neither the token nor a claim of it reaches an error', async () => {
  const { ask } = await setUp();
  const error = await failureOf(() => ask(goodClaims({ aud: 'canary', sub: 'canary' })));
  assert.ok(
    !JSON.stringify([error.message, error.detail, error.headers, String(error.cause)]).includes('canary'),
  );
});

test('a key file may hold several keys, a certificate or a JWK set, and no private key', async () => {
  const other = ecPair();
  const file = join(folder, 'other');
  const load = async (text: string) => {
    await writeFile(file, text);
    const { ask } = await setUp({ keys: { kind: 'file', path: file } });
    return (await ask(goodClaims())).identity?.user;
  };
  assert.equal(await load(pemOf(other.publicKey) + pemOf(pair.publicKey)), 'alice');
  assert.equal(await load(JSON.stringify(pair.publicKey.export({ format: 'jwk' }))), 'alice');
  const keys = [other.publicKey, pair.publicKey].map((key) => key.export({ format: 'jwk' }));
  assert.equal(await load(JSON.stringify({ keys })), 'alice');
  const [key, certificate] = [join(folder, 'certified.key'), join(folder, 'certified.crt')];
  await writeFile(key, pair.privateKey.export({ type: 'pkcs8', format: 'pem' }));
  execFileSync('openssl', ['req', '-x509', '-key', key, '-out', certificate, '-subj', '/CN=x'], {
    stdio: 'ignore',
  });
  assert.equal(await load(await readFile(certificate, 'utf8')), 'alice');
  for (const bad of [
    '',
    'nonsense',
    '{"keys":[]}',
    '{',
    pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    JSON.stringify(pair.privateKey.export({ format: 'jwk' })),
  ]) {
    assert.equal((await failureOf(() => load(bad))).code, 'SP_CONFIG_INVALID', bad.slice(0, 30));
  }
  const missing = await failureOf(() => setUp({ keys: { kind: 'file', path: join(folder, 'none') } }));
  assert.equal(missing.code, 'SP_CONFIG_INVALID');
});

test('a shared secret verifies HS256 when it is long enough', async () => {
  const { SignJWT } = await import('jose');
  const text = 'a-secret-of-at-least-thirty-two-bytes';
  const { issuer } = await setUp({
    algorithms: ['HS256'],
    keys: { kind: 'secret', secret: new Secret(text) },
  });
  const sign = (secret: string) =>
    new SignJWT(goodClaims()).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(secret));
  assert.equal((await issuer.verify(await sign(text), { alg: 'HS256', kid: undefined })).kind, 'token');
  const wrong = await issuer.verify(await sign(`${text}!`), { alg: 'HS256', kid: undefined });
  assert.deepEqual(wrong, { kind: 'rejected', reason: 'token-signature' });
});

test('every algorithm that may be configured verifies what jose signs', async () => {
  const { SignJWT, generateKeyPair, exportSPKI } = await import('jose');
  const algorithms = [
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
    'Ed25519',
  ];
  for (const alg of algorithms) {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const file = join(folder, alg);
    await writeFile(file, await exportSPKI(publicKey));
    const { issuer } = await setUp({ algorithms: [alg], keys: { kind: 'file', path: file } });
    const token = await new SignJWT(goodClaims()).setProtectedHeader({ alg }).sign(privateKey);
    assert.equal((await issuer.verify(token, { alg, kid: undefined })).kind, 'token', alg);
  }
});
