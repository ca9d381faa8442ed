import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import type { KeyObject } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { RemoteKeys, type RemoteKeysOptions } from '../../../src/authenticate/remote-keys.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { ecPair, failureOf, rsaPair } from './support.ts';

type Answer = (response: ServerResponse, request: IncomingMessage) => void;

const first = ecPair();
const second = ecPair();
const opened: { close(): void }[] = [];
const folder = mkdtempSync(join(tmpdir(), 'sallyport-jwks-'));

afterEach(() => {
  for (const thing of opened.splice(0)) thing.close();
});
after(() => rmSync(folder, { recursive: true }));

const jwkOf = (key: KeyObject, kid: string, more: object = {}) => ({
  ...key.export({ format: 'jwk' }),
  kid,
  ...more,
});
const jwks = (...keys: object[]) => JSON.stringify({ keys });
const send =
  (text: string, status = 200): Answer =>
  (response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(text);

/** A provider whose answer can be exchanged while it runs. */
async function provider(answer: Answer, tls?: { key: Buffer; cert: Buffer }) {
  const state = { answer, fetches: 0 };
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    state.fetches++;
    state.answer(response, request);
  };
  const server: Server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const close = () => {
    server.close();
    for (const socket of sockets) socket.destroy();
  };
  opened.push({ close });
  return { state, close, port, url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}/jwks` };
}

function keysFrom(url: string, options: Partial<RemoteKeysOptions> = {}): RemoteKeys {
  const keys = new RemoteKeys({
    url,
    ca: undefined,
    algorithms: ['ES256', 'RS256'],
    issuer: 'https://issuer.test',
    logger: silentLogger,
    timeoutMs: 500,
    ...options,
  });
  opened.push(keys);
  return keys;
}

const count = async (keys: RemoteKeys, kid: string | undefined, alg = 'ES256') =>
  (await keys.candidates({ alg, kid })).length;

test('the first request waits for the first fetch, all later ones get a value', async () => {
  const { url, state } = await provider(send(jwks(jwkOf(first.publicKey, 'a'))));
  const keys = keysFrom(url);
  const waiting = keys.candidates({ alg: 'ES256', kid: 'a' });
  assert.ok(waiting instanceof Promise);
  assert.equal((await waiting).length, 1);
  assert.ok(Array.isArray(keys.candidates({ alg: 'ES256', kid: 'a' })));
  assert.equal(state.fetches, 1);
});

test('a provider that is down from the start makes requests fail as unavailable, soon, and is tried again', async () => {
  const { url, close, port } = await provider(send(''));
  close();
  const keys = keysFrom(url, { coolDownMs: 50 });
  const error = await failureOf(() => keys.candidates({ alg: 'ES256', kid: 'a' }));
  assert.deepEqual([error.code, error.reason], ['SP_AUTHENTICATE_UNAVAILABLE', 'keys-unavailable']);
  const back = createServer((_, response) => response.end(jwks(jwkOf(first.publicKey, 'a'))));
  await new Promise<void>((resolve) => back.listen(port, '127.0.0.1', resolve));
  opened.push({ close: () => back.close() });
  await until(() => keysNow(keys, 'a') === 1);
});

test('a provider that does not answer holds a request no longer than the bound', async () => {
  const { url } = await provider(() => {});
  const startedMs = performance.now();
  const error = await failureOf(() =>
    keysFrom(url, { timeoutMs: 150 }).candidates({ alg: 'ES256', kid: 'a' }),
  );
  assert.equal(error.reason, 'keys-unavailable');
  assert.ok(performance.now() - startedMs < 1000);
});

test('an answer that trickles is cut off at the same bound', async () => {
  const { url } = await provider((response) => {
    const timer = setInterval(() => response.write(' '), 20);
    response.on('close', () => clearInterval(timer));
  });
  const startedMs = performance.now();
  await failureOf(() => keysFrom(url, { timeoutMs: 150 }).candidates({ alg: 'ES256', kid: 'a' }));
  assert.ok(performance.now() - startedMs < 1000);
});

test('old keys stay while the provider is down, sends garbage, errors or too much', async () => {
  const { url, state } = await provider(send(jwks(jwkOf(first.publicKey, 'a'))));
  const keys = keysFrom(url, { refreshMs: 10, coolDownMs: 10 });
  assert.equal(await count(keys, 'a'), 1);
  const huge = `{"keys":[${JSON.stringify(jwkOf(second.publicKey, 'b'))}],"pad":"${'x'.repeat(300_000)}"}`;
  const bad: Answer[] = [
    (response) => response.destroy(),
    send('<html>'),
    send('{"keys":{}}'),
    send(jwks()),
    send(jwks({ kty: 'oct', k: 'c2VjcmV0', kid: 'a' })),
    send(jwks(jwkOf(second.publicKey, 'b')), 500),
    send(huge),
    (response) => response.writeHead(200, { 'content-length': '1000' }).end(),
  ];
  for (const answer of bad) {
    state.answer = answer;
    const before = state.fetches;
    await until(() => state.fetches > before + 1);
    assert.ok(Array.isArray(keys.candidates({ alg: 'ES256', kid: 'a' })));
    assert.equal(keysNow(keys, 'b'), 0);
  }
});

test('redirects are not followed', async () => {
  const target = await provider(send(jwks(jwkOf(first.publicKey, 'a'))));
  for (const status of [301, 302, 307, 308]) {
    const { url } = await provider((response) => response.writeHead(status, { location: target.url }).end());
    const error = await failureOf(() => keysFrom(url).candidates({ alg: 'ES256', kid: 'a' }));
    assert.equal(error.reason, 'keys-unavailable');
  }
  assert.equal(target.state.fetches, 0);
});

test('a key that was rotated in is fetched for the first token that names it, and one rotated out is gone', async () => {
  const { url, state } = await provider(send(jwks(jwkOf(first.publicKey, 'a'))));
  const keys = keysFrom(url, { coolDownMs: 0 });
  assert.equal(await count(keys, 'a'), 1);
  state.answer = send(jwks(jwkOf(second.publicKey, 'b')));
  const found = await Promise.all(Array.from({ length: 50 }, () => count(keys, 'b')));
  assert.deepEqual(new Set(found), new Set([1]));
  assert.equal(state.fetches, 2);
  assert.equal(keysNow(keys, 'a'), 0);
});

test('a flood of unknown keys causes one fetch per cool-down, also while the provider is down', async () => {
  const { url, state } = await provider(send(jwks(jwkOf(first.publicKey, 'a'))));
  const keys = keysFrom(url, { coolDownMs: 700 });
  assert.equal(await count(keys, 'a'), 1);
  state.answer = (response) => response.destroy();
  for (let n = 0; n < 100; n++) assert.equal(await count(keys, `x${n}`), 0);
  assert.equal(state.fetches, 1);
  await delay(710);
  for (let n = 0; n < 100; n++) assert.equal(await count(keys, `y${n}`), 0);
  assert.equal(state.fetches, 2);
  assert.equal(keysNow(keys, 'a'), 1);
});

test('keys are renewed in the background before anybody misses one', async () => {
  const { url, state } = await provider(send(jwks(jwkOf(first.publicKey, 'a'))));
  const keys = keysFrom(url, { refreshMs: 20 });
  assert.equal(await count(keys, 'a'), 1);
  state.answer = send(jwks(jwkOf(first.publicKey, 'a'), jwkOf(second.publicKey, 'b')));
  await until(() => keysNow(keys, 'b') === 1);
});

test('a key counts only for its own name, use, algorithm and kind', async () => {
  const rsa = rsaPair();
  const { url } = await provider(
    send(
      jwks(
        jwkOf(first.publicKey, 'ec'),
        jwkOf(first.publicKey, 'enc', { use: 'enc' }),
        jwkOf(first.publicKey, 'ops', { key_ops: ['encrypt'] }),
        jwkOf(first.publicKey, 'other', { alg: 'ES384' }),
        jwkOf(rsa.publicKey, 'rsa', { alg: 'RS256' }),
        jwkOf(rsaPair(1024).publicKey, 'weak'),
        jwkOf(first.privateKey, 'private'),
        { kty: 'EC', crv: 'P-256', x: 'AAAA', y: 'AAAA', kid: 'broken' },
        { kty: 'unknown', kid: 'new' },
      ),
    ),
  );
  const keys = keysFrom(url);
  assert.equal(await count(keys, 'ec'), 1);
  assert.equal(await count(keys, 'rsa', 'RS256'), 1);
  for (const kid of ['enc', 'ops', 'other', 'weak', 'private', 'broken', 'new', 'EC', '']) {
    assert.equal(await count(keys, kid), 0, kid);
  }
  assert.equal(await count(keys, 'weak', 'RS256'), 0);
  assert.equal(await count(keys, 'ec', 'RS256'), 0);
  assert.equal(await count(keys, undefined), 1);
});

test('a token that names no key is tried with a bounded number of keys', async () => {
  const many = Array.from({ length: 40 }, (_, n) => jwkOf(ecPair().publicKey, `k${n}`));
  const { url } = await provider(send(jwks(...many)));
  assert.equal(await count(keysFrom(url), undefined), 8);
});

test('a provider with a private authority is trusted only when the authority is named', async () => {
  const key = join(folder, 'key.pem');
  const cert = join(folder, 'cert.pem');
  const subject = ['-subj', '/CN=jwks', '-addext', 'subjectAltName=IP:127.0.0.1'];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...subject], {
    stdio: 'ignore',
  });
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  const { url, port } = await provider(send(jwks(jwkOf(first.publicKey, 'a'))), tls);
  const ca = tls.cert.toString();
  assert.equal(await count(keysFrom(url, { ca }), 'a'), 1);
  for (const keys of [keysFrom(url), keysFrom(`https://localhost:${port}/jwks`, { ca })]) {
    assert.equal(
      (await failureOf(() => keys.candidates({ alg: 'ES256', kid: 'a' }))).reason,
      'keys-unavailable',
    );
  }
});

test('http is spoken with this machine only', async () => {
  for (const url of [
    'http://192.0.2.1/jwks',
    'http://127.0.0.1.evil.test/',
    'ftp://localhost/',
    'https://u:p@localhost/',
  ]) {
    const error = await failureOf(() => keysFrom(url).candidates({ alg: 'ES256', kid: 'a' }));
    assert.equal(error.reason, 'keys-unavailable');
  }
});

test('neither address nor content of the key set reaches the log', async () => {
  const lines: string[] = [];
  const write = (fields: object, message: string) => void lines.push(JSON.stringify([fields, message]));
  const logger = { debug: write, info: write, warn: write, error: write };
  const { url } = await provider(send('{"canary'));
  await failureOf(() => keysFrom(`${url}?canary`, { logger }).candidates({ alg: 'ES256', kid: 'a' }));
  assert.equal(lines.length, 1);
  assert.ok(!lines[0]?.includes('canary'));
});

function keysNow(keys: RemoteKeys, kid: string): number {
  const found = keys.candidates({ alg: 'ES256', kid });
  if (!(found instanceof Promise)) return found.length;
  found.catch(() => {});
  return 0;
}

async function until(condition: () => boolean): Promise<void> {
  for (let n = 0; n < 200 && !condition(); n++) await delay(10);
  assert.ok(condition());
}
