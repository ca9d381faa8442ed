import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type AttackHouse, openAttackHouse } from '../support/attack-house.ts';
import { answersIn, openTls } from '../support/raw-tls.ts';
import { UPGRADE } from '../support/walks.ts';

const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n';
const POST = 'POST / HTTP/1.1\r\nHost: localhost\r\n';
const length = (value: string): string => `${POST}Content-Length: ${value}\r\n\r\n${SMUGGLED}`;
const coding = (value: string, body = '0\r\n\r\n'): string =>
  `${POST}Transfer-Encoding: ${value}\r\n\r\n${body}${SMUGGLED}`;
const chunked = (body: string): string => coding('chunked', body);
const field = (line: string): string => `GET / HTTP/1.1\r\nHost: localhost\r\n${line}\r\n\r\n${SMUGGLED}`;
const upgradeLines = UPGRADE.map(([name, value]) => `${name}: ${value}\r\n`).join('');

/** Requests whose end two programs could see at different places, or that are none at all. */
const CORPUS: Readonly<Record<string, string>> = {
  'length and coding': `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'coding and length': `${POST}Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'empty length': length(''),
  'length with sign': length('+5'),
  'negative length': length('-5'),
  'hexadecimal length': length('0x5'),
  'length with spaces': length('4 4'),
  'length list': length('5, 5'),
  'length list that differs': length('5, 6'),
  'length with fraction': length('5.0'),
  'length with exponent': length('1e1'),
  'length with underscore': length('1_0'),
  'length beyond 64 bits': length('18446744073709551617'),
  'length of a word': length('zero'),
  'two lengths': `${POST}Content-Length: 0\r\nContent-Length: 44\r\n\r\n${SMUGGLED}`,
  'the same length twice': `${POST}Content-Length: 0\r\nContent-Length: 0\r\n\r\n${SMUGGLED}`,
  'two lengths in two cases': `${POST}Content-Length: 0\r\ncontent-LENGTH: 44\r\n\r\n${SMUGGLED}`,
  'length with a form feed': length('\x0c5'),
  'unknown coding': coding('xchunked'),
  'chunked then identity': coding('chunked, identity'),
  'identity then chunked': coding('identity, chunked'),
  identity: coding('identity'),
  'gzip then chunked': coding('gzip, chunked'),
  'chunked twice in a list': coding('chunked, chunked'),
  'two codings': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'chunked twice': `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'quoted coding': coding('"chunked"'),
  'coding with a parameter': coding('chunked;q=1'),
  'coding with a vertical tab': coding('\x0bchunked'),
  'coding with a NUL': coding('chunked\0'),
  'empty coding': coding(''),
  'coding after a space in its name': `${POST}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'coding with an underscore': `${POST}Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'coding folded': `${POST}X: y\r\n Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'coding in HTTP/1.0': `POST / HTTP/1.0\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'bare LF after the request line': `GET / HTTP/1.1\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'bare LF after a field': `GET / HTTP/1.1\r\nHost: localhost\n\r\n${SMUGGLED}`,
  'bare LFs only': `GET / HTTP/1.1\nHost: localhost\n\n${SMUGGLED}`,
  'bare CR after a field': `GET / HTTP/1.1\r\nHost: localhost\rX: y\r\n\r\n${SMUGGLED}`,
  'folded field': field('X: y\r\n z'),
  'folded field with tab': field('X: y\r\n\tz'),
  'fold right after the request line': `GET / HTTP/1.1\r\n X: y\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'empty name': field(': x'),
  'no colon': field('Content-Length'),
  'space before the colon': field('X : y'),
  'tab before the colon': field('X\t: y'),
  'space in a name': field('X Y: z'),
  'NUL in a name': field('X\0: y'),
  'NUL in a value': field('X: a\0b'),
  'CR in a value': field('X: a\rb'),
  'CR before the end of a value': field('X: a\r'),
  'escape in a value': field('X: a\x1bb'),
  'DEL in a value': field('X: a\x7fb'),
  'non-ASCII name': field('X\xe9: y'),
  'quote in a name': field('"X": y'),
  'chunk size with sign': chunked('+0\r\n\r\n'),
  'chunk size with minus': chunked('-1\r\n\r\n'),
  'chunk size with 0x': chunked('0x0\r\n\r\n'),
  'chunk size with a space in front': chunked(' 0\r\n\r\n'),
  'chunk size with an underscore': chunked('0_0\r\n\r\n'),
  'chunk size beyond 64 bits': chunked('10000000000000000\r\n\r\n'),
  'empty chunk size': chunked('\r\n\r\n'),
  'chunk size of a word': chunked('zero\r\n\r\n'),
  'chunk line with bare LF': chunked('5\nhello\r\n0\r\n\r\n'),
  'chunk without end': chunked('5\r\nhello0\r\n\r\n'),
  'chunk with other bytes at its end': chunked('5\r\nhelloXX0\r\n\r\n'),
  'chunk end with bare LF': chunked('5\r\nhello\n0\r\n\r\n'),
  'chunk end with bare CR': chunked('5\r\nhello\r0\r\n\r\n'),
  'chunk extension with LF': chunked('0;a\nb\r\n\r\n'),
  'chunk extension with CR': chunked('0;a\rb\r\n\r\n'),
  'chunk extension with NUL': chunked('0;a\0\r\n\r\n'),
  'trailer without colon': chunked('0\r\nX\r\n\r\n'),
  'trailer folded': chunked('0\r\nX: y\r\n z\r\n\r\n'),
  'trailer with empty name': chunked('0\r\n: y\r\n\r\n'),
  'trailer with NUL': chunked('0\r\nX: \0\r\n\r\n'),
  'HTTP/0.9': `GET /\r\n${SMUGGLED}`,
  'HTTP/0.9 with a version of its own': `GET / HTTP/0.9\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'HTTP/2.0 in a line': `GET / HTTP/2.0\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'HTTP/1.2': `GET / HTTP/1.2\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'HTTP/11': `GET / HTTP/11\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'lower-case version': `GET / http/1.1\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'tab before the target': `GET\t/ HTTP/1.1\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'space in the target': `GET /a b HTTP/1.1\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'space after the version': `GET / HTTP/1.1 \r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'unknown method': `SMUGGLE / HTTP/1.1\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'lower-case method': `get / HTTP/1.1\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'the preface of HTTP/2': `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${SMUGGLED}`,
  CONNECT: `CONNECT localhost:443 HTTP/1.1\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  TRACE: `TRACE / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 0\r\n\r\n`,
  'huge field': field(`X: ${'a'.repeat(40_000)}`),
  'many fields': field(Array.from({ length: 300 }, (_, i) => `X-${i}: y`).join('\r\n')),
  'huge name': field(`${'X'.repeat(300)}: y`),
  'huge target': `GET /${'a'.repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n${SMUGGLED}`,
  'upgrade with a body': `GET / HTTP/1.1\r\nHost: localhost\r\n${upgradeLines}Content-Length: 5\r\n\r\nhello${SMUGGLED}`,
  'upgrade with a length only': `GET / HTTP/1.1\r\nHost: localhost\r\n${upgradeLines}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
  'upgrade with a chunked body': `GET / HTTP/1.1\r\nHost: localhost\r\n${upgradeLines}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
  'upgrade by POST': `POST / HTTP/1.1\r\nHost: localhost\r\n${upgradeLines}\r\n${SMUGGLED}`,
  'upgrade to h2c': `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n${SMUGGLED}`,
  'upgrade to TLS': `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: TLS/1.2\r\n\r\n${SMUGGLED}`,
  'upgrade of two kinds': `GET / HTTP/1.1\r\nHost: localhost\r\n${upgradeLines}Upgrade: h2c\r\n\r\n${SMUGGLED}`,
};
let attack: AttackHouse;
before(async () => {
  attack = await openAttackHouse(
    (url) => `routes: [{ host: localhost, upstream: "${url}", public: true }]\n`,
  );
});
after(() => attack.close());

const seenPaths = (): string[] => attack.upstream.seen.map(({ requestLine }) => requestLine);

for (const [what, bytes] of Object.entries(CORPUS)) {
  test(`over HTTP/1.1: ${what} is refused, and nothing behind it is a request`, async () => {
    const before = attack.upstream.seen.length;
    const raw = await openTls(attack.house);
    raw.write(bytes);
    await raw.until(() => raw.closed, 1_000);
    const [first, ...more] = answersIn(raw);
    raw.close();
    assert.ok(first === undefined || first.status >= 400, `answered ${first?.status}`);
    const reached = attack.upstream.seen.slice(before);
    assert.ok(raw.closed, 'the connection stays open');
    assert.deepEqual(more, [], 'it was answered twice');
    assert.ok(
      !reached.some(({ requestLine }) => requestLine.includes('/smuggled')),
      seenPaths().at(-1) ?? '',
    );
  });
}

test('requests in a row are answered in their order, each decided about by itself', async () => {
  const raw = await openTls(attack.house);
  const paths = Array.from({ length: 20 }, (_, i) => `/${i}`);
  raw.write(paths.map((path) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`).join(''));
  await raw.until(() => answersIn(raw).length === paths.length);
  const lines = answersIn(raw).map(({ body }) => JSON.parse(body).requestLine);
  raw.close();
  assert.deepEqual(
    lines,
    paths.map((path) => `GET ${path} HTTP/1.1`),
  );
});

test('an upgrade behind requests that are not answered yet breaks nothing', async () => {
  for (const before of [
    'GET /a HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'POST /a HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\nab',
  ]) {
    for (const host of ['localhost', 'nowhere.test', '"']) {
      const raw = await openTls(attack.house);
      raw.write(`${before}${before}GET /socket HTTP/1.1\r\nHost: ${host}\r\n${upgradeLines}\r\n`);
      await raw.until(() => answersIn(raw).length >= 3, 500);
      const statuses = answersIn(raw).map(({ status }) => status);
      raw.close();
      assert.deepEqual(statuses.slice(0, 2), [200, 200], `${host}: ${statuses.join()}`);
      assert.ok([undefined, 101, 400, 404, 421].includes(statuses[2]), `${host}: ${statuses.join()}`);
    }
  }
  assert.equal((await attack.walks[0]?.ask({}))?.status, 200);
});

test('a head that never ends and a body that stops reach nobody', async () => {
  const before = attack.upstream.seen.length;
  for (const bytes of [
    'GET / HTTP/1.1\r\nHost: localhost\r\nX: y',
    'GET /',
    `${POST}Content-Length: 50\r\n\r\nabc`,
    chunked('5\r\nab').slice(0, -SMUGGLED.length),
  ]) {
    const raw = await openTls(attack.house);
    raw.write(bytes);
    await new Promise((resolve) => setTimeout(resolve, 20));
    raw.socket.end();
    await raw.until(() => raw.closed, 1_000);
    raw.close();
    assert.ok(
      answersIn(raw).every(({ status }) => status >= 400),
      bytes,
    );
  }
  assert.equal(attack.upstream.seen.length, before);
});
