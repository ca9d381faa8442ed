import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openH2, type RawH2 } from '../support/raw-h2.ts';
import { answersIn, openTls } from '../support/raw-tls.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { http2Fields } from '../support/walks.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\nX-Of: nobody\r\n\r\nevil';
const answer = (body: string): string => `${OK}Content-Length: ${body.length}\r\n\r\n${body}`;

/** Answers that are none, or whose end two programs could see at different places: the client gets 502. */
const BROKEN: Readonly<Record<string, string>> = {
  'length and coding': `${OK}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  'two lengths': `${OK}Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!`,
  'length list': `${OK}Content-Length: 5, 6\r\n\r\nhello!`,
  'length with sign': `${OK}Content-Length: +5\r\n\r\nhello`,
  'hexadecimal length': `${OK}Content-Length: 0x5\r\n\r\nhello`,
  'empty length': `${OK}Content-Length:\r\n\r\nhello`,
  'unknown coding': `${OK}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n`,
  'chunked twice': `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`,
  'two codings': `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n`,
  'coding in HTTP/1.0': 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  'NUL in a value': `${OK}X: a\0b\r\nContent-Length: 0\r\n\r\n`,
  'bare CR in a value': `${OK}X: a\rb\r\nContent-Length: 0\r\n\r\n`,
  'bare LF behind a value': `${OK}X: a\nSet-Cookie: b\r\nContent-Length: 0\r\n\r\n`,
  'folded field': `${OK}X: a\r\n b\r\nContent-Length: 0\r\n\r\n`,
  'space before the colon': `${OK}Content-Length : 5\r\n\r\nhello`,
  'no colon': `${OK}Nonsense\r\nContent-Length: 0\r\n\r\n`,
  'empty name': `${OK}: x\r\nContent-Length: 0\r\n\r\n`,
  'no status': 'HTTP/1.1 OK\r\n\r\n',
  'status of two digits': 'HTTP/1.1 20 OK\r\n\r\n',
  'another protocol': 'SSH-2.0-OpenSSH_9.6\r\n\r\n',
  'HTTP/2': 'HTTP/2 200\r\n\r\n',
  'switching that nobody asked for':
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n',
  'nothing at all': '',
  'half a head': 'HTTP/1.1 200 OK\r\nX: y',
  'oversized head': `${OK}X: ${'a'.repeat(80_000)}\r\n\r\n`,
  'a head that never ends': `${OK}${'X: y\r\n'.repeat(15_000)}`,
  'a flood of interim answers': 'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n'.repeat(5_000),
};
/** Bodies that break off or break their own rules behind a good head: the client must see a broken answer. */
const CUT: Readonly<Record<string, string>> = {
  'a length that is not reached': `${OK}Content-Length: 50\r\n\r\nhello`,
  'chunks without a last one': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  'half a chunk': `${OK}Transfer-Encoding: chunked\r\n\r\n50\r\nhello`,
  'a chunk size of nonsense': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n0\r\n\r\n`,
  'a chunk size with sign': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n+5\r\nhello\r\n0\r\n\r\n`,
  'a chunk that is longer': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello world\r\n0\r\n\r\n`,
  'chunk lines with bare LF': `${OK}Transfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n`,
  'an endless chunk line': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5;${'a'.repeat(2_000)}`,
  'trailers with NUL': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX: \0\r\n\r\n`,
  'endless trailers': `${OK}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${'X: y\r\n'.repeat(5_000)}`,
};

let upstream: RawUpstream;
let house: TestGateway;
before(async () => {
  upstream = await startRawUpstream((head, socket) => {
    const path = decodeURIComponent(/^\w+ (\S+)/.exec(head)?.[1] ?? '').slice(1);
    const [kind = '', name = ''] = path.split(/\/(.*)/s);
    if (kind === 'broken') socket.end(Object.values(BROKEN)[Number(name)] ?? '', 'latin1');
    else if (kind === 'cut') socket.end(Object.values(CUT)[Number(name)] ?? '', 'latin1');
    else if (kind === 'reset') {
      socket.write(`${OK}Content-Length: 50\r\n\r\nhello`);
      setTimeout(() => socket.resetAndDestroy(), 10);
    } else if (kind === 'extra') socket.write(answer(name) + EVIL);
    else if (kind === 'late') {
      socket.write(answer(name));
      setTimeout(() => socket.write(EVIL), 5);
    } else if (kind === 'head') {
      socket.write(`${OK}Content-Length: ${EVIL.length}\r\n\r\n`);
      if (head.startsWith('HEAD ')) setImmediate(() => socket.write(EVIL));
      else socket.write(EVIL);
    } else if (kind === 'empty')
      socket.write(`HTTP/1.1 ${name} X\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`);
    else socket.write(answer(`plain/${name}`));
  });
  house = await startTestGateway({
    yaml: `upstreams: { raw: { targets: ["${upstream.url}"], retries: 0, firstByteTimeout: 2s, ejectAfter: { after: 0 } } }
routes: [{ host: localhost, upstream: raw, public: true }]
`.replace('ejectAfter', 'eject'),
  });
});
after(async () => {
  await house.close();
  await upstream.close();
});

interface Seen {
  readonly status: number;
  readonly body: string;
  readonly complete: boolean;
}

async function overHttp1(path: string, method = 'GET'): Promise<Seen> {
  const raw = await openTls(house);
  raw.write(`${method} ${path} HTTP/1.1\r\nHost: localhost\r\n\r\n`);
  const final = () => answersIn(raw, method).find(({ status }) => status >= 200);
  await raw.until(() => final() !== undefined);
  const whole = final();
  const status = Number(/HTTP\/1\.1 ([2-5]\d\d) /.exec(raw.received)?.[1] ?? 0);
  // Without a length the end of the connection would be the end of the answer.
  const framed = /^(content-length|transfer-encoding):/im.test(raw.received);
  raw.close();
  return {
    status,
    body: whole?.body ?? raw.received,
    complete: whole !== undefined && (framed || method === 'HEAD'),
  };
}

async function overHttp2(h2: RawH2, path: string, method = 'GET'): Promise<Seen> {
  const { status, body, ended, reset } = await h2.ended(h2.open(http2Fields({ target: path, method })));
  return { status, body, complete: ended && (reset === undefined || reset === 0) };
}

function nameOf(path: string): string {
  const [, kind, index] = path.split('/');
  const table = kind === 'broken' ? BROKEN : kind === 'cut' ? CUT : {};
  return Object.keys(table)[Number(index)] ?? path;
}

/** Asks over both protocols, over HTTP/2 on one connection for all. */
async function onBoth(paths: readonly string[], check: (seen: Seen, what: string) => void): Promise<void> {
  let h2 = await openH2(house);
  for (const path of paths) {
    check(await overHttp1(path), `HTTP/1.1 ${nameOf(path)}`);
    if (h2.tls.closed || h2.goaway) h2 = await openH2(house);
    check(await overHttp2(h2, path), `HTTP/2 ${nameOf(path)}`);
  }
  h2.close();
}

test('an answer that is none, or that two programs could frame differently, becomes 502', async () => {
  await onBoth(
    Object.keys(BROKEN).map((_, i) => `/broken/${i}`),
    ({ status, body, complete }, what) => {
      assert.equal(status, 502, what);
      assert.ok(complete, what);
      assert.ok(body.includes('SP_FORWARD_'), what);
    },
  );
});

test('an answer that breaks off is never a complete one', async () => {
  await onBoth([...Object.keys(CUT).map((_, i) => `/cut/${i}`), '/reset/x'], ({ status, complete }, what) => {
    assert.ok(status === 502 || !complete, `${what}: ${status}, complete`);
  });
});

test('bytes behind an answer reach nobody, and their connection carries no other request', async () => {
  const paths = Array.from({ length: 20 }, (_, i) => [`/extra/${i}`, `/plain/${i}`]).flat();
  await onBoth(paths, ({ status, body }, what) => {
    assert.equal(status, 200, what);
    assert.ok(!body.includes('evil'), `${what}: ${body}`);
  });
  // What comes while nobody asks: an answer before its question.
  const h2 = await openH2(house);
  const ways = [overHttp1, (path: string) => overHttp2(h2, path)];
  for (const ask of [...ways, ...ways]) {
    const before = upstream.connections;
    assert.equal((await ask('/late/1')).body, '1');
    // A request sent before the bytes are there could not tell them from its answer: nothing can (RFC 9112 §9.2).
    await new Promise((resolve) => setTimeout(resolve, 100));
    assert.equal((await ask('/plain/after')).body, 'plain/after');
    assert.ok(upstream.connections > before, 'the connection is used again');
  }
  h2.close();
});

test('a body where there can be none reaches nobody', async () => {
  const h2 = await openH2(house);
  for (let i = 0; i < 10; i++) {
    assert.equal((await overHttp1('/head/x', 'HEAD')).status, 200);
    assert.deepEqual((await overHttp1(`/plain/${i}`)).body, `plain/${i}`);
    assert.equal((await overHttp2(h2, '/head/x', 'HEAD')).status, 200);
    assert.deepEqual((await overHttp2(h2, `/plain/${i}`)).body, `plain/${i}`);
    for (const status of [204, 304]) {
      assert.equal((await overHttp1(`/empty/${status}`)).status, status);
      assert.deepEqual((await overHttp2(h2, `/plain/${i}`)).body, `plain/${i}`);
    }
  }
  h2.close();
});

test('under load everybody gets their own answer, whatever the upstream adds to those of others', async () => {
  const h2s = await Promise.all(Array.from({ length: 4 }, () => openH2(house)));
  const ask = async (h2: RawH2, i: number): Promise<void> => {
    const tag = `${i}-${Math.random()}`;
    const kind = ['plain', 'plain', 'extra', 'plain', 'empty'][i % 5] ?? 'plain';
    const path = kind === 'empty' ? '/empty/204' : `/${kind}/${tag}`;
    const { status, body } = await overHttp2(h2, path);
    const expected = kind === 'plain' ? `plain/${tag}` : kind === 'extra' ? tag : '';
    assert.deepEqual([status, body], [kind === 'empty' ? 204 : 200, expected], path);
  };
  for (let round = 0; round < 10; round++) {
    await Promise.all(h2s.flatMap((h2, k) => Array.from({ length: 25 }, (_, i) => ask(h2, i + k))));
  }
  for (const h2 of h2s) h2.close();
});
