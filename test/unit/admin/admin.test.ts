import assert from 'node:assert/strict';
import { mkdtemp, stat } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeAdmin } from '../../../src/admin/admin.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Secret } from '../../../src/lib/secret.ts';
import { type AdminHouse, openAdminHouse, TOKEN } from './admin-house.ts';

let house: AdminHouse;
before(async () => {
  house = await openAdminHouse();
});
after(() => house.close());

const lastCall = () => house.calls.at(-1);

function codeOf(json: unknown): unknown {
  return typeof json === 'object' && json !== null && 'code' in json ? json.code : undefined;
}

test('health, readiness and metrics answer without a credential', async () => {
  assert.deepEqual((await house.call('/healthz', { token: null })).json, { status: 'ok' });
  const ready = await house.call('/readyz', { token: null });
  assert.equal(ready.status, 503);
  assert.deepEqual(ready.json, {
    ready: false,
    generation: 4,
    state: { driver: 'embedded', up: true, sinceMs: 5 },
  });
  const metrics = await house.call('/metrics?x=1', { token: null });
  assert.equal(metrics.headers['content-type'], 'text/plain; version=0.0.4; charset=utf-8');
  assert.equal(metrics.text, '# HELP x y\n');
});

test('why the gateway is not ready is told to bearers of the token only', async () => {
  assert.equal((await house.call('/v1/readiness', { token: null })).status, 401);
  const { json } = await house.call('/v1/readiness');
  assert.deepEqual(Object(json).notes, ['the last reload failed']);
});

test('certificates are listed, rotated, rolled back and removed', async () => {
  const list = await house.call('/v1/certificates');
  assert.equal(list.status, 200);
  const [listed] = Array.isArray(list.json) ? list.json : [];
  assert.deepEqual([listed.served, listed.problems, listed.previous], [true, [], 'CC:DD']);
  const { json } = await house.call('/v1/certificates/site');
  const { issuer, serialNumber, signature, chain, ...rest } = Object(json);
  assert.deepEqual([issuer, serialNumber, signature], ['CN=Middle', '0A1B', 'ecdsa-with-SHA256']);
  assert.deepEqual(rest, { ...listed, subject: 'CN=site.test' });
  assert.equal(chain[1].subject, 'CN=Middle');
  assert.equal((await house.call('/v1/certificates/other')).status, 404);
  const put = await house.call('/v1/certificates/site', {
    method: 'PUT',
    body: { certificate: 'PEM', key: 'PEM' },
  });
  assert.equal(put.status, 200);
  assert.deepEqual(lastCall(), ['rotate', 'site', { certificate: 'PEM', key: 'PEM' }]);
  assert.deepEqual(put.json, {
    name: 'site',
    fingerprint256: 'AA:BB',
    previous: 'CC:DD',
    confirmedBy: ['1'],
    missing: [],
  });
  const p12 = { pkcs12: 'MII=', passphrase: 'p' };
  assert.equal((await house.call('/v1/certificates/site', { method: 'PUT', body: p12 })).status, 200);
  assert.deepEqual(lastCall(), ['rotate', 'site', p12]);
  assert.equal((await house.call('/v1/certificates/site/rollback', { method: 'POST' })).status, 200);
  assert.equal((await house.call('/v1/certificates/site', { method: 'DELETE' })).status, 204);
  assert.deepEqual(lastCall(), ['remove certificate', 'site']);
});

test('a refused certificate names every problem', async () => {
  const answer = await house.call('/v1/certificates/bad', {
    method: 'PUT',
    body: { certificate: 'PEM', key: 'PEM' },
  });
  assert.equal(answer.status, 422);
  assert.equal(answer.headers['content-type'], 'application/problem+json');
  const { requestId, ...rest } = Object(answer.json);
  assert.match(String(requestId), /^[0-9a-f-]{36}$/);
  assert.deepEqual(rest, {
    type: 'about:blank',
    title: 'The certificate was not accepted',
    status: 422,
    code: 'SP_CERTIFICATE_INVALID',
    problems: ['the key does not belong to the certificate', 'the certificate expired'],
  });
});

test('an upload is PEM or PKCS#12, not both', async () => {
  const body = { certificate: 'a', key: 'b', pkcs12: 'c' };
  const answer = await house.call('/v1/certificates/site', { method: 'PUT', body });
  assert.equal(answer.status, 400);
});

test('a body that may have one of two shapes is refused in words about the one that was meant', async () => {
  const lacks = (key: string): string => `body must have required property '${key}'`;
  const extra = (key: string): string => `body must NOT have additional properties: ${key}`;
  const uploads: readonly (readonly [object, readonly string[]])[] = [
    [{ certificate: 'x' }, [lacks('key')]],
    [{ key: 'x' }, [lacks('certificate')]],
    [{}, [lacks('certificate'), lacks('key')]],
    [{ pkcs12: 'x', key: 'x' }, [extra('key')]],
    [{ pkcs12: 1 }, ['body.pkcs12 must be string']],
    [{ certificate: 1, key: 'x' }, ['body.certificate must be string']],
    [{ certificate: 'x', key: 'x', more: 1 }, [extra('more')]],
  ];
  for (const [body, expected] of uploads) {
    const { json } = await house.call('/v1/certificates/site', { method: 'PUT', body });
    assert.deepEqual(Object(json).problems, expected);
  }
  const list = await house.call('/v1/certificates/site', { method: 'PUT', body: [] });
  assert.deepEqual(Object(list.json).problems, ['body must be object']);
  const revocations: readonly (readonly [object, readonly string[]])[] = [
    [{ before: 5 }, [lacks('subject')]],
    [{ jti: '' }, ['body.jti must NOT have fewer than 1 characters']],
    [{ jti: 'x', before: 5 }, [extra('before')]],
  ];
  for (const [body, expected] of revocations) {
    const { json } = await house.call('/v1/revocations', { method: 'POST', body });
    assert.deepEqual(Object(json).problems, expected);
  }
});

test('a body that is too large is refused with the bound, at once and over and over', async () => {
  for (let round = 0; round < 5; round++) {
    const body = { certificate: 'x'.repeat(5 * 1024 * 1024), key: 'x' };
    const answer = await house.call('/v1/certificates/site', { method: 'PUT', body });
    assert.equal(answer.status, 413);
    assert.equal(codeOf(answer.json), 'SP_ADMIN_TOO_LARGE');
    assert.deepEqual(Object(answer.json).problems, [
      'The body is larger than 2 MiB, which is the most that is read',
    ]);
  }
});

test('accounts are listed, put and removed, and no hash leaves', async () => {
  assert.equal((await house.call('/v1/users')).status, 200);
  const put = await house.call('/v1/users/bob', {
    method: 'PUT',
    body: { password: 'correct horse', groups: ['a'] },
  });
  assert.equal(put.status, 200);
  assert.deepEqual(lastCall(), ['put', 'bob', { password: 'correct horse', groups: ['a'] }]);
  assert.ok(!put.text.includes('canary'));
  assert.equal((await house.call('/v1/users/alice', { method: 'DELETE' })).status, 204);
  const absent = await house.call('/v1/users/nobody', { method: 'DELETE' });
  assert.equal(absent.status, 404);
  assert.equal(codeOf(absent.json), 'SP_ADMIN_NOT_FOUND');
});

test('app passwords are made, listed and revoked; the key comes once and is not to be stored', async () => {
  const body = { owner: 'alice', name: 'backup', routes: ['a.example.com/v1'], lifeSec: 60 };
  const made = await house.call('/v1/api-keys', { method: 'POST', body });
  assert.equal(made.status, 200, made.text);
  assert.deepEqual(lastCall(), ['createKey', body]);
  assert.equal(made.headers['cache-control'], 'no-store');
  assert.match(made.text, /"key":"sp_/);
  const listed = await house.call('/v1/api-keys?owner=alice');
  assert.deepEqual([listed.status, listed.text.includes('sp_')], [200, false]);
  assert.equal((await house.call('/v1/api-keys/known', { method: 'DELETE' })).status, 204);
  assert.equal((await house.call('/v1/api-keys/unknown', { method: 'DELETE' })).status, 404);
  const odd = await house.call('/v1/api-keys', { method: 'POST', body: { ...body, key: 'mine' } });
  assert.equal(odd.status, 400);
});

test('the second factors of a user who lost them are reset', async () => {
  const reset = (name: string) => house.call(`/v1/users/${name}/second-factors`, { method: 'DELETE' });
  assert.deepEqual([(await reset('alice')).status, (await reset('bob')).status], [204, 404]);
});

test('sessions are listed and revoked, one or all of a user', async () => {
  assert.deepEqual((await house.call('/v1/sessions?user=alice')).json, []);
  assert.deepEqual(lastCall(), ['sessions', 'alice']);
  assert.equal((await house.call('/v1/sessions/known', { method: 'DELETE' })).status, 204);
  assert.equal((await house.call('/v1/sessions/unknown', { method: 'DELETE' })).status, 404);
  assert.deepEqual((await house.call('/v1/sessions?user=alice', { method: 'DELETE' })).json, { ended: 3 });
  assert.equal((await house.call('/v1/sessions', { method: 'DELETE' })).status, 400);
});

test('tokens are revoked by id or by subject and issued for a subject', async () => {
  const post = (path: string, body: unknown) => house.call(path, { method: 'POST', body });
  assert.equal((await post('/v1/revocations', { jti: 'j1' })).status, 204);
  assert.deepEqual(lastCall(), ['revokeTokens', { jti: 'j1' }]);
  assert.equal((await post('/v1/revocations', { subject: 's', before: 12 })).status, 204);
  assert.deepEqual(lastCall(), ['revokeTokens', { subject: 's', beforeSec: 12 }]);
  assert.equal((await post('/v1/revocations', { subject: 's', jti: 'j1' })).status, 400);
  const issued = await post('/v1/tokens', { subject: 'bot', groups: ['ci'] });
  assert.equal(issued.headers['cache-control'], 'no-store');
  assert.deepEqual(lastCall(), ['issueToken', { subject: 'bot', groups: ['ci'], ttlSec: 3600 }]);
});

test('open streams are listed and cut one by one', async () => {
  const list = await house.call('/v1/streams');
  assert.equal(list.status, 200);
  assert.deepEqual(list.json, [
    { id: 'x1', user: 'alice', route: 'api.test/', kind: 'websocket', sinceSec: 7, bytes: 9 },
  ]);
  assert.equal((await house.call('/v1/streams/x1', { method: 'DELETE' })).status, 204);
  assert.equal((await house.call('/v1/streams/x2', { method: 'DELETE' })).status, 404);
});

test('routes, upstreams and reload answer', async () => {
  assert.deepEqual(Object((await house.call('/v1/routes')).json)[0].allow, { groups: ['ops'] });
  assert.equal((await house.call('/v1/upstreams')).status, 200);
  assert.deepEqual((await house.call('/v1/reload', { method: 'POST' })).json, { generation: 5 });
});

test('every change that is asked for is written down, with its outcome and nothing that was sent', async () => {
  house.audited.length = 0;
  const body = { password: 'correct horse battery', groups: ['ops'] };
  await house.call('/v1/users/alice', { method: 'PUT', body });
  await house.call('/v1/users/nobody', { method: 'DELETE', headers: { 'user-agent': 'sallyport-cli' } });
  await house.call('/v1/users');
  const [put, removed, ...more] = house.audited;
  assert.deepEqual(more, []);
  assert.deepEqual(
    [put?.who, put?.what, put?.target, put?.outcome],
    ['admin-token', 'PUT /v1/users/:name', 'alice', 'done'],
  );
  assert.deepEqual([removed?.who, removed?.outcome, removed?.code], ['cli', 'failed', 'SP_ADMIN_NOT_FOUND']);
  assert.ok(!JSON.stringify(house.audited).includes('horse'));
});

test('the description lists exactly the routes that exist', async () => {
  const { json } = await house.call('/openapi.json');
  const paths = Object.keys(Object(json).paths).sort();
  assert.deepEqual(paths, [
    '/healthz',
    '/metrics',
    '/readyz',
    '/v1/api-keys',
    '/v1/api-keys/{id}',
    '/v1/audit',
    '/v1/certificates',
    '/v1/certificates/{name}',
    '/v1/certificates/{name}/rollback',
    '/v1/readiness',
    '/v1/reload',
    '/v1/revocations',
    '/v1/routes',
    '/v1/sessions',
    '/v1/sessions/{id}',
    '/v1/streams',
    '/v1/streams/{id}',
    '/v1/tokens',
    '/v1/upstreams',
    '/v1/users',
    '/v1/users/{name}',
    '/v1/users/{name}/second-factors',
  ]);
  const certificate = Object(json).paths['/v1/certificates/{name}'];
  assert.deepEqual(Object.keys(certificate).sort(), ['delete', 'get', 'put']);
  const told = certificate.get.responses['200'].content['application/json'].schema;
  for (const key of ['names', 'source', 'served', 'problems', 'issuer', 'serialNumber', 'chain', 'rotatedAt'])
    assert.ok(key in told.properties, key);
});

test('an unknown path is 404, a wrong method is 405 and says which ones there are', async () => {
  const unknown = await house.call('/v1/nothing');
  assert.equal(unknown.status, 404);
  assert.equal(codeOf(unknown.json), 'SP_ADMIN_NOT_FOUND');
  const wrong = await house.call('/v1/users/alice', { method: 'PATCH', body: {} });
  assert.equal(wrong.status, 405);
  assert.equal(wrong.headers.allow, 'DELETE, PUT');
  assert.equal(codeOf(wrong.json), 'SP_ADMIN_METHOD_REFUSED');
});

test('an unknown key, a wrong type and a body where none belongs are refused without repeating values', async () => {
  const put = (body: unknown) => house.call('/v1/users/bob', { method: 'PUT', body });
  const unknown = await put({ passwrod: 'hunter2-canary' });
  assert.equal(unknown.status, 400);
  assert.deepEqual(Object(unknown.json).problems, ['body must NOT have additional properties: passwrod']);
  const wrong = await put({ password: 17, groups: 'hunter2-canary' });
  assert.equal(wrong.status, 400);
  assert.ok(!wrong.text.includes('canary'));
  assert.equal((await house.call('/v1/reload', { method: 'POST', body: { x: 1 } })).status, 400);
});

test('what was not foreseen is 500 and keeps its message inside', async () => {
  const answer = await house.call('/v1/users/broken', { method: 'PUT', body: { password: 'x' } });
  assert.equal(answer.status, 500);
  assert.equal(codeOf(answer.json), 'SP_INTERNAL');
  assert.ok(!answer.text.includes('canary'));
});

test('no password reaches the log', async () => {
  await house.call('/v1/users/bob', { method: 'PUT', body: { password: 'logged-canary' } });
  assert.ok(house.logged.length > 0);
  assert.ok(!JSON.stringify(house.logged).includes('logged-canary'));
  assert.ok(!JSON.stringify(house.logged).includes(TOKEN));
});

test('a unix socket is plain HTTP and belongs to its owner alone', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'sallyport-unix-')), 'admin.sock');
  const options = { view: emptyView(), token: new Secret(TOKEN), hosts: [], logger: silentLogger };
  const first = makeAdmin(options);
  assert.equal(await first.listen({ kind: 'unix', path }, undefined), `unix:${path}`);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
  const status = await new Promise((resolve, reject) => {
    httpRequest({ socketPath: path, path: '/healthz' }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on('error', reject)
      .end();
  });
  assert.equal(status, 200);
  await first.close();
});

function emptyView(): Parameters<typeof makeAdmin>[0]['view'] {
  const nothing = async () => {
    throw new Error('not asked in this test');
  };
  const refuse = (): never => {
    throw new Error('not asked in this test');
  };
  return {
    certificates: { list: () => [], find: refuse, rotate: nothing, rollback: nothing, remove: nothing },
    accounts: { list: nothing, put: nothing, remove: nothing, resetSecondFactors: nothing },
    apiKeys: { list: nothing, create: nothing, revoke: nothing },
    sessions: { list: nothing, revoke: nothing, revokeAll: nothing },
    revokeTokens: nothing,
    audit: { list: nothing, record: () => undefined },
    streams: { list: () => [], cut: () => false },
    routes: () => [],
    upstreams: () => [],
    metrics: nothing,
    readiness: () => ({
      ready: true,
      generation: 1,
      state: { driver: 'embedded', up: true, sinceMs: 0 },
      notes: [],
    }),
    reload: nothing,
    issueToken: nothing,
  };
}
