import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { FRONTS, type Told } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';

/** Answers by path, byte by byte as an upstream may write them. */
const ANSWERS: Readonly<Record<string, string>> = {
  '/head': 'HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n',
  '/204': 'HTTP/1.1 204 No Content\r\ncontent-length: 7\r\nx-kept: 1\r\n\r\n',
  '/304': 'HTTP/1.1 304 Not Modified\r\netag: "a"\r\ncontent-length: 99\r\n\r\n',
  '/chunked': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n',
  '/trailers':
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-sum\r\n\r\n1\r\na\r\n0\r\nx-sum: 42\r\nset-cookie: a=b\r\nx-forwarded-user: eve\r\n\r\n',
  '/close': 'HTTP/1.1 200 OK\r\nx-kind: close\r\n\r\nuntil the end',
  '/old': 'HTTP/1.0 200 OK\r\ncontent-length: 3\r\n\r\nold',
  '/cookies': 'HTTP/1.1 200 OK\r\nset-cookie: a=1; path=/\r\nset-cookie: b=2, c\r\ncontent-length: 0\r\n\r\n',
  '/twice':
    'HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-type: text/html\r\netag: "a"\r\netag: "b"\r\ncontent-length: 2\r\n\r\nok',
  '/obs': 'HTTP/1.1 200 OK\r\nx-obs: caf\xc3\xa9 voil\xc3\xa0\r\ncontent-length: 0\r\n\r\n',
  '/large': `HTTP/1.1 200 OK\r\nx-large: ${'l'.repeat(20_000)}\r\ncontent-length: 0\r\n\r\n`,
  '/hints':
    'HTTP/1.1 103 Early Hints\r\nlink: </style.css>; rel=preload\r\nlink: not a link at all\r\nset-cookie: a=b\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok',
  '/hop':
    'HTTP/1.1 200 OK\r\nconnection: x-hop\r\nx-hop: 1\r\nhttp2-settings: x\r\nkeep-alive: timeout=9\r\ncontent-length: 2\r\n\r\nok',
  '/cookie-theft':
    'HTTP/1.1 200 OK\r\nset-cookie: __Host-sallyport=stolen; Secure; Path=/\r\nset-cookie:  =__Host-sallyport=stolen\r\nset-cookie: mine=1\r\ncontent-length: 0\r\n\r\n',
  '/205': 'HTTP/1.1 205 Reset Content\r\ncontent-length: 0\r\n\r\n',
};

const BROKEN: Readonly<Record<string, string>> = {
  '/b-garbage': 'hello\r\n\r\n',
  '/b-status': 'HTTP/1.1 999 Odd\r\ncontent-length: 0\r\n\r\n',
  '/b-two-lengths': 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab',
  '/b-length-and-chunked':
    'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  '/b-switch': 'HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\n',
  '/b-chunk': 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n',
  '/b-endless': `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(70_000)}`,
};

let raw: RawUpstream;
let echo: NodeUpstream;
let house: TestGateway;

before(async () => {
  raw = await startRawUpstream((head, socket) => {
    const path = head.split(' ')[1] ?? '';
    socket.write(ANSWERS[path] ?? BROKEN[path] ?? ANSWERS['/204'] ?? '', 'latin1');
    if (path === '/close') socket.end();
  });
  echo = await startNodeUpstream((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const { method, url, rawHeaders, rawTrailers } = req;
      const body = Buffer.concat(chunks).toString('latin1');
      res.end(JSON.stringify({ method, url, headers: rawHeaders, trailers: rawTrailers, body }));
    });
  });
  house = await startTestGateway({
    yaml: `routes:
  - { host: localhost, upstream: "${raw.url}", public: true }
  - { host: echo.localhost, upstream: "${echo.url}", public: true }
`,
  });
});

after(async () => {
  await house.close();
  await raw.close();
  await echo.close();
});

for (const front of FRONTS) {
  const get = (path: string, method = 'GET'): Promise<Told> => front.ask(house, { path, method });

  test(`${front.name}: an answer without a body keeps what it says about one`, async () => {
    const head = await get('/head', 'HEAD');
    assert.deepEqual([head.status, head.field('content-length'), head.text], [200, '12345', '']);
    const empty = await get('/204');
    assert.deepEqual(
      [empty.status, empty.field('content-length'), empty.field('x-kept')],
      [204, undefined, '1'],
    );
    const same = await get('/304');
    assert.deepEqual([same.status, same.field('etag'), same.text], [304, '"a"', '']);
    assert.equal((await get('/205')).status, 205);
  });

  test(`${front.name}: a body arrives whole however its end is told`, async () => {
    assert.equal((await get('/chunked')).text, 'abcdefg');
    assert.equal((await get('/close')).text, 'until the end');
    assert.equal((await get('/old')).text, 'old');
  });

  test(`${front.name}: fields pass as they are: cookies apart, doubled ones doubled, high bytes unchanged, large ones whole`, async () => {
    const { fields } = await get('/cookies');
    const cookies = fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value);
    assert.deepEqual(cookies, ['a=1; path=/', 'b=2, c']);
    const twice = await get('/twice');
    assert.equal(twice.text, 'ok');
    assert.equal(twice.fields.filter(([name]) => name === 'content-type').length, 2);
    assert.equal((await get('/obs')).field('x-obs'), 'caf\xc3\xa9 voil\xc3\xa0');
    assert.equal((await get('/large')).field('x-large')?.length, 20_000);
  });

  test(`${front.name}: fields of one hop end there`, async () => {
    const told = await get('/hop');
    assert.equal(told.text, 'ok');
    for (const name of ['x-hop', 'http2-settings']) assert.equal(told.field(name), undefined);
    assert.notEqual(told.field('keep-alive'), 'timeout=9');
  });

  test(`${front.name}: an upstream cannot set the session cookie, with or without a name`, async () => {
    const { fields } = await get('/cookie-theft');
    assert.deepEqual(
      fields.filter(([name]) => name === 'set-cookie').map(([, value]) => value),
      ['mine=1'],
    );
  });

  test(`${front.name}: interim answers pass at once, cookies do not`, async () => {
    const told = await get('/hints');
    assert.equal(told.text, 'ok');
    assert.deepEqual(
      told.interim.map(({ status }) => status),
      [103, 102],
    );
    assert.match(told.interim[0]?.field('link') ?? '', /style\.css/);
    assert.equal(told.interim[0]?.field('set-cookie'), undefined);
  });

  test(`${front.name}: trailers pass both ways, those that decide something do not`, async () => {
    const told = await get('/trailers');
    assert.deepEqual([told.text, told.trailers], ['a', [['x-sum', '42']]]);
    const up = await front.ask(house, {
      host: 'echo.localhost',
      method: 'POST',
      headers: { trailer: 'x-sum', ...(front.name === 'HTTP/1.1' ? { 'transfer-encoding': 'chunked' } : {}) },
      body: 'abc',
      trailers: { 'x-sum': '7', 'x-forwarded-user': 'eve', authorization: 'Basic x' },
    });
    const { body, trailers } = JSON.parse(up.text);
    assert.deepEqual([body, trailers], ['abc', ['x-sum', '7']]);
  });

  test(`${front.name}: a request without a body says so, and one of unknown length arrives whole`, async () => {
    const empty = JSON.parse(
      (await front.ask(house, { host: 'echo.localhost', method: 'POST', headers: { 'content-length': '0' } }))
        .text,
    );
    assert.equal(empty.body, '');
    assert.ok(empty.headers.includes('content-length'));
    const bare = JSON.parse(
      (await front.ask(house, { host: 'echo.localhost', method: 'POST', body: '' })).text,
    );
    assert.equal(bare.body, '');
    const call = front.open(house, { host: 'echo.localhost', method: 'PUT', path: '/x?y=1&y=2' });
    call.up.write('one ');
    setTimeout(() => call.up.end('two'), 30);
    let text = '';
    for await (const chunk of call.down) text += chunk;
    const put = JSON.parse(text);
    assert.deepEqual([put.method, put.url, put.body], ['PUT', '/x?y=1&y=2', 'one two']);
  });

  test(`${front.name}: an answer that two parsers could read differently is 502, and the next one is right again`, async () => {
    for (const path of Object.keys(BROKEN)) {
      const told = await get(path);
      assert.equal(told.status, 502, path);
      assert.equal(JSON.parse(told.text).code, 'SP_FORWARD_BAD_ANSWER', path);
      assert.equal((await get('/chunked')).text, 'abcdefg');
    }
  });
}
