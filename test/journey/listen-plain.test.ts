import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openTls } from '../support/raw-tls.ts';
import { freePort } from '../support/redis.ts';

let house: TestGateway;
let port = 0;

before(async () => {
  port = await freePort();
  house = await startTestGateway({
    listen: `http: "127.0.0.1:${port}"`,
    yaml: 'routes: [{ host: localhost, upstream: "internal:whoami", public: true }]\n',
  });
});

after(() => house.close());

function plain(
  method: string,
  path: string,
  host: string,
  body?: Buffer,
): Promise<[number, string | undefined]> {
  return new Promise((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, method, path, agent: false, headers: { host } },
      (answer) => {
        answer.resume();
        resolve([answer.statusCode ?? 0, answer.headers.location]);
        call.destroy();
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

test('plain HTTP is sent to HTTPS for good, whatever the method and however large its body', async () => {
  assert.deepEqual(await plain('GET', '/a?b=c', 'localhost'), [308, 'https://localhost/a?b=c']);
  const ours = `https://localhost:${house.port}/a`;
  assert.deepEqual(await plain('DELETE', '/a', `localhost:${port}`), [308, ours]);
  for (const size of [10, 5_000_000]) {
    assert.deepEqual(await plain('POST', '/a', `localhost:${port}`, Buffer.alloc(size)), [308, ours]);
  }
});

test('plain HTTP sends nobody to a host that is not served here, nor to a path that can be read in two ways', async () => {
  for (const [path, host] of [
    ['/', 'evil.test'],
    ['/', 'localhost@evil.test'],
    ['//evil.test/', 'localhost'],
    ['/../x', 'localhost'],
    ['/\\evil.test', 'localhost'],
  ] as const) {
    const [status, location] = await plain('GET', path, host);
    assert.deepEqual([status, location], [400, undefined], `${host}${path}`);
  }
});

test('a transfer coding other than chunked, or under HTTP/1.0, is refused', async () => {
  for (const [version, coding] of [
    ['1.1', 'gzip, chunked'],
    ['1.1', 'identity, chunked'],
    ['1.1', 'chunked, chunked'],
    ['1.0', 'chunked'],
  ] as const) {
    const raw = await openTls(house);
    raw.write(`POST / HTTP/${version}\r\nhost: localhost\r\ntransfer-encoding: ${coding}\r\n\r\n0\r\n\r\n`);
    await raw.until(() => raw.received.includes('\r\n'));
    assert.match(raw.received, /^HTTP\/1\.1 400 /, `${version} ${coding}`);
    raw.close();
  }
  const raw = await openTls(house);
  raw.write('POST / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: Chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n');
  await raw.until(() => raw.received.includes('bodyBytes'));
  assert.match(raw.received, /"bodyBytes": 2/);
  raw.close();
});
