import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';
import { openTls } from '../support/raw-tls.ts';

let upstream: NodeUpstream;
let house: TestGateway;
let open = 0;
let most = 0;
let seen: string[] = [];

before(async () => {
  upstream = await startNodeUpstream((req, res) => {
    seen.push(`${req.method} ${req.url}`);
    most = Math.max(most, ++open);
    res.once('close', () => open--);
    if (req.url === '/hang') return;
    req.resume();
    req.on('end', () => setTimeout(() => res.end(`[${req.url}]`), 5));
  });
  house = await startTestGateway({
    yaml: `routes:\n  - { host: localhost, upstream: "${upstream.url}", public: true }\n`,
  });
});

after(async () => {
  await house.close();
  await upstream.close();
});

beforeEach(() => {
  most = 0;
  seen = [];
});

function get(path: string): string {
  return `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
}

test('requests behind each other on one connection are served one at a time, in their order', async () => {
  const raw = await openTls(house);
  const post = 'POST /1 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc';
  raw.write(get('/0') + post + Array.from({ length: 18 }, (_, i) => get(`/${i + 2}`)).join(''));
  const marks = (): string[] => raw.received.match(/\[\/[0-9]+\]/g) ?? [];
  assert.ok(await raw.until(() => marks().length === 20));
  assert.deepEqual(
    marks(),
    Array.from({ length: 20 }, (_, i) => `[/${i}]`),
  );
  assert.equal(most, 1);
  raw.close();
});

test('one connection holds one connection of an upstream, and is closed when too many requests wait on it', async () => {
  const raw = await openTls(house);
  raw.write(get('/hang').repeat(2_000));
  assert.ok(await raw.until(() => raw.closed));
  await eventually('the upstream is left alone', () => open === 0);
  assert.equal(most, 1);
  assert.deepEqual(seen, ['GET /hang']);
});

test('what waits behind a request whose client leaves is never served', async () => {
  const raw = await openTls(house);
  raw.write(get('/hang') + get('/after').repeat(5));
  await eventually('the first is served', () => open === 1);
  raw.close();
  await eventually('the upstream is left alone', () => open === 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual(seen, ['GET /hang']);
});
