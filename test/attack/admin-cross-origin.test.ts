import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AdminHouse, type Answer, openAdminHouse, TOKEN } from '../unit/admin/admin-house.ts';

// The admin door listens on loopback, where every page of the operator's browser can send requests to.

let house: AdminHouse;
before(async () => {
  house = await openAdminHouse(['admin.corp.test']);
});
after(() => house.close());

const OPEN = ['/healthz', '/readyz', '/metrics'];

function assertProblem(answer: Answer, status: number, code: string, hint: string): void {
  assert.equal(answer.status, status, hint);
  assert.equal(answer.headers['content-type'], 'application/problem+json', hint);
  assert.equal(Object(answer.json).code, code, hint);
  assert.equal(answer.headers['access-control-allow-origin'], undefined, hint);
}

async function assertUntouched(attack: () => Promise<void>): Promise<void> {
  const before = house.calls.length;
  await attack();
  assert.equal(house.calls.length, before, 'nothing reached the house');
}

test('a request with an Origin is refused even with the right token', () =>
  assertUntouched(async () => {
    const origins = [
      'https://evil.test',
      'null',
      'http://localhost',
      `https://127.0.0.1:${house.port}`,
      'https://localhost:3000',
    ];
    for (const origin of origins) {
      for (const path of ['/v1/reload', ...OPEN]) {
        const answer = await house.call(path, { method: 'POST', headers: { origin } });
        assertProblem(answer, 403, 'SP_ADMIN_FORBIDDEN', `${origin} ${path}`);
      }
    }
  }));

test('a preflight is refused and grants nothing', async () => {
  const headers = {
    origin: 'https://evil.test',
    'access-control-request-method': 'PUT',
    'access-control-request-headers': 'authorization',
  };
  assertProblem(
    await house.call('/v1/users/a', { method: 'OPTIONS', headers, token: null }),
    403,
    'SP_ADMIN_FORBIDDEN',
    'preflight',
  );
});

test('Sec-Fetch-Site other than none is refused, on open paths too', async () => {
  for (const site of ['cross-site', 'same-site', 'same-origin', 'None', 'none, cross-site', '']) {
    for (const path of ['/v1/users', ...OPEN]) {
      const answer = await house.call(path, { headers: { 'sec-fetch-site': site } });
      assertProblem(answer, 403, 'SP_ADMIN_FORBIDDEN', `${site} ${path}`);
    }
  }
  assert.equal((await house.call('/healthz', { headers: { 'sec-fetch-site': 'none' } })).status, 200);
});

test('a Host that is not ours is refused, on open paths too: DNS rebinding', async () => {
  const hosts = [
    'evil.test',
    `evil.test:${house.port}`,
    'localhost.evil.test',
    'localhost.evil.test:9443',
    '127.0.0.1.nip.test',
    '127.0.0.1@evil.test',
    'evil.test#localhost',
    'localhost/evil',
    'localhost, evil.test',
    '0.0.0.0',
    '10.0.0.1',
    '[::ffff:10.0.0.1]',
    '2130706433',
    '0x7f.1',
    'localhost:',
    'localhost:99999999',
    ' ',
    'admin.corp.test.evil.test',
  ];
  for (const host of hosts) {
    for (const path of ['/v1/users', ...OPEN]) {
      assertProblem(
        await house.call(path, { headers: { host } }),
        403,
        'SP_ADMIN_FORBIDDEN',
        `${host} ${path}`,
      );
    }
  }
});

test('loopback names, the own address and configured names are taken', async () => {
  const hosts = [
    'localhost',
    'LOCALHOST:1',
    'localhost.',
    `127.0.0.1:${house.port}`,
    '127.9.9.9',
    '[::1]:9443',
  ];
  for (const host of [...hosts, 'Admin.Corp.Test', 'admin.corp.test:443']) {
    assert.equal((await house.call('/healthz', { headers: { host }, token: null })).status, 200, host);
  }
});

test('two Hosts, none, or an absolute target are refused', async () => {
  const bearer = `authorization: Bearer ${TOKEN}\r\nconnection: close\r\n`;
  const attacks = [
    `GET /v1/users HTTP/1.1\r\nhost: localhost\r\nhost: evil.test\r\n${bearer}\r\n`,
    `GET /v1/users HTTP/1.1\r\n${bearer}\r\n`,
    `GET /healthz HTTP/1.0\r\n\r\n`,
    `GET http://evil.test/v1/users HTTP/1.1\r\nhost: localhost\r\n${bearer}\r\n`,
    `GET https://localhost/healthz HTTP/1.1\r\nhost: localhost\r\n${bearer}\r\n`,
    `OPTIONS * HTTP/1.1\r\nhost: localhost\r\n${bearer}\r\n`,
  ];
  for (const bytes of attacks) assert.match(await house.raw(bytes), /^HTTP\/1\.1 40[03] /, bytes);
});

test('bodies that a form can send are refused', () =>
  assertUntouched(async () => {
    const types = [
      'text/plain',
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain; application/json',
      'text/plain, application/json',
      'application/json, text/plain',
      'application/jsonp',
      'application/json\ttext/plain',
      'application/json; charset=utf-7',
      'application/problem+json',
      '',
    ];
    for (const type of types) {
      const call = { method: 'POST', headers: { 'content-type': type }, body: '{"jti":"x"}' };
      assertProblem(await house.call('/v1/revocations', call), 415, 'SP_ADMIN_MEDIA_TYPE', type);
    }
  }));

test('missing, wrong and nearly right tokens are refused the same way', () =>
  assertUntouched(async () => {
    const values: (string | undefined)[] = [
      undefined,
      '',
      'Bearer',
      'Bearer ',
      `Bearer ${TOKEN}x`,
      `Bearer ${TOKEN.slice(0, -1)}`,
      `Bearer ${TOKEN.toUpperCase()}`,
      `Bearer  ${TOKEN}`,
      `Bearer "${TOKEN}"`,
      `Bearer ${TOKEN},${TOKEN}`,
      `Bearer ${TOKEN} ${TOKEN}`,
      `Basic ${TOKEN}`,
      `Basic ${Buffer.from(`admin:${TOKEN}`).toString('base64')}`,
      `Token ${TOKEN}`,
      TOKEN,
      `Bearer ${TOKEN}=`,
    ];
    for (const authorization of values) {
      for (const path of ['/v1/users', '/openapi.json', '/v1/nothing', '/v1/users/%zz', '/']) {
        const headers = authorization === undefined ? {} : { authorization };
        const answer = await house.call(path, { token: null, headers });
        assertProblem(answer, 401, 'SP_ADMIN_UNAUTHORIZED', `${authorization} ${path}`);
        assert.equal(answer.headers['www-authenticate'], 'Bearer');
        assert.ok(!answer.text.includes(TOKEN.slice(0, 8)));
      }
    }
  }));

test('the token is not taken from anywhere but Authorization', async () => {
  const attempts = [
    { path: `/v1/users?token=${TOKEN}&access_token=${TOKEN}`, headers: {} },
    { path: '/v1/users', headers: { cookie: `token=${TOKEN}` } },
    { path: '/v1/users', headers: { 'x-api-key': TOKEN, 'proxy-authorization': `Bearer ${TOKEN}` } },
  ];
  for (const { path, headers } of attempts) {
    assertProblem(await house.call(path, { token: null, headers }), 401, 'SP_ADMIN_UNAUTHORIZED', path);
  }
});

test('an open path is open only as written and only for reading', async () => {
  const paths = [
    '/healthz/',
    '//healthz',
    '/health%7a',
    '/healthz;x',
    '/HEALTHZ',
    '/healthz/../v1/users',
    '/v1/users?/healthz',
  ];
  for (const path of paths) {
    assertProblem(await house.call(path, { token: null }), 401, 'SP_ADMIN_UNAUTHORIZED', path);
  }
  assertProblem(
    await house.call('/healthz', { method: 'POST', token: null }),
    401,
    'SP_ADMIN_UNAUTHORIZED',
    'POST',
  );
});

test('a method cannot be overridden', () =>
  assertUntouched(async () => {
    const headers = {
      'x-http-method-override': 'DELETE',
      'x-http-method': 'DELETE',
      'x-method-override': 'DELETE',
    };
    const answer = await house.call('/v1/users?_method=DELETE', { method: 'POST', headers, body: {} });
    assert.equal(answer.status, 405);
    const read = await house.call('/v1/users?_method=DELETE', { headers });
    assert.equal(read.status, 200);
  }));

test('oversized and malformed bodies are refused with a problem', () =>
  assertUntouched(async () => {
    const put = (body: string) => house.call('/v1/users/alice', { method: 'PUT', body });
    assertProblem(await put(`{"password":"${'x'.repeat(3 << 20)}"}`), 413, 'SP_ADMIN_TOO_LARGE', 'large');
    const bodies = [
      '{',
      '',
      'null',
      '[]',
      '"x"',
      '{"password":"a",}',
      '{"__proto__":{"x":1}}',
      '\u0000',
      '{"constructor":{"prototype":{"x":1}}}',
      '['.repeat(100_000),
    ];
    for (const body of bodies) assertProblem(await put(body), 400, 'SP_ADMIN_BAD_REQUEST', body.slice(0, 40));
  }));

test('bytes that are not a request get a problem and the connection ends', async () => {
  for (const bytes of [
    '\u0016\u0003\u0001garbage\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET /healthz HTTP/1.1\r\nhost : x\r\n\r\n',
  ]) {
    assert.match(await house.raw(bytes), /^HTTP\/1\.1 400 [\s\S]*SP_ADMIN_BAD_REQUEST/, bytes);
  }
  const long = `GET /healthz HTTP/1.1\r\nhost: localhost\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`;
  assert.match(await house.raw(long), /^HTTP\/1\.1 431 [\s\S]*SP_LISTEN_HEADERS_TOO_LARGE/);
});

test('a request that is framed in two ways is refused', () =>
  assertUntouched(async () => {
    const head = `POST /v1/reload HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\n`;
    const smuggled = 'POST /v1/reload HTTP/1.1\r\nhost: localhost\r\n\r\n';
    const attacks = [
      `${head}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
      `${head}content-length: 0\r\ncontent-length: 5\r\n\r\n${smuggled}`,
      `${head}transfer-encoding: xchunked\r\n\r\n${smuggled}`,
    ];
    for (const bytes of attacks) assert.match(await house.raw(bytes), /^HTTP\/1\.1 400 /, bytes);
  }));

test('a name is decoded once and is never a path', () =>
  assertUntouched(async () => {
    const names = [
      '..',
      '.',
      '%2e%2e',
      '%252e%252e',
      'a%2fb',
      'a%2Fb',
      'a%5cb',
      'a%00',
      'a%0ab',
      '%ff',
      '%zz',
      'a%',
      'a%20b',
      'a;b',
      '%C0%AE',
      `${'x'.repeat(129)}`,
      `${'x'.repeat(2000)}`,
      'é',
      'a%25',
    ];
    for (const name of names) {
      const answer = await house.call(`/v1/certificates/${encodeURI(name).replaceAll('%25', '%')}`, {
        method: 'DELETE',
      });
      assert.ok([400, 404, 405].includes(answer.status), `${name} ${answer.status}`);
      assert.equal(answer.headers['content-type'], 'application/problem+json', name);
    }
  }));

test('an encoded name means the same as a plain one', async () => {
  await house.call('/v1/users/%61lice%40corp.test', { method: 'PUT', body: {} });
  assert.deepEqual(house.calls.at(-1), ['put', 'alice@corp.test', {}]);
});

test('a query is not read in two ways', () =>
  assertUntouched(async () => {
    for (const query of ['user=a&user=b', 'user[]=a', 'user=', 'USER=a', 'user=a&x=1', '__proto__=a']) {
      const answer = await house.call(`/v1/sessions?${query}`, { method: 'DELETE' });
      assertProblem(answer, 400, 'SP_ADMIN_BAD_REQUEST', query);
    }
  }));
