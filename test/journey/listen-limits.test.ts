import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request } from 'node:https';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { eventually } from '../support/eventually.ts';
import { FRONTS, openSession, openStream } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';
import { openTls } from '../support/raw-tls.ts';

const MIB = 1024 * 1024;

let upstream: NodeUpstream;
let house: TestGateway;
const warnings: string[] = [];
const onWarning = (warning: Error): void => {
  warnings.push(`${warning.name}: ${warning.message}`);
};

before(async () => {
  process.on('warning', onWarning);
  upstream = await startNodeUpstream((req, res) => {
    if (req.url === '/endless') {
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(64 * 1024)));
      };
      res.on('drain', more);
      more();
      return;
    }
    req.resume();
    req.on('end', () => res.end('done'));
  });
  house = await startTestGateway({
    listen:
      'limits: { bodyBytes: 1MiB, urlBytes: 1KiB, headerBytes: 8KiB, headerCount: 50, headerTimeout: 1s, bodyIdle: 1s, keepAlive: 1s }',
    yaml: `authenticate: { basic: { realm: Test } }
routes:
  - { host: localhost, upstream: "${upstream.url}", public: true }
  - { host: localhost, path: /closed, upstream: "${upstream.url}", allow: authenticated }
`,
  });
});

after(async () => {
  await house.close();
  await upstream.close();
  process.off('warning', onWarning);
});

for (const front of FRONTS) {
  const codeOf = (text: string): string => JSON.parse(text).code;

  test(`${front.name}: a body that says it is too large is 413 at once, and the client sees it while it still sends`, async () => {
    for (const path of ['/', '/closed']) {
      const call = front.open(house, {
        method: 'POST',
        path,
        headers: { 'content-length': String(8 * MIB) },
      });
      call.up.on('error', () => {});
      call.up.write(Buffer.alloc(8 * MIB));
      assert.equal((await call.head).status, path === '/' ? 413 : 401);
      let text = '';
      for await (const chunk of call.down) text += chunk;
      assert.match(text, /"code":"SP_/);
      call.leave();
    }
    assert.ok(!upstream.seen.some((req) => req.headers['content-length'] === String(8 * MIB)));
  });

  test(`${front.name}: a body that grows too large is 413, and a client that goes on sending is stopped`, async () => {
    const call = front.open(house, { method: 'POST', path: '/grows' });
    let sent = 0;
    let stopped = false;
    call.up.on('error', () => {});
    call.up.once('close', () => {
      stopped = true;
    });
    const pump = (async () => {
      while (!stopped && sent < 256 * MIB) {
        sent += 64 * 1024;
        if (!call.up.write(Buffer.alloc(64 * 1024))) await sleep(5);
      }
    })();
    assert.equal((await call.head).status, 413);
    let text = '';
    for await (const chunk of call.down) text += chunk;
    assert.equal(codeOf(text), 'SP_LISTEN_BODY_TOO_LARGE');
    await pump;
    assert.ok(sent < 64 * MIB, `${sent} bytes were taken`);
    const last = upstream.seen.findLast((req) => req.url === '/grows');
    assert.ok(last?.complete !== true, 'the upstream takes what was cut for complete');
  });

  test(`${front.name}: a body of just the allowed size passes`, async () => {
    assert.equal((await front.ask(house, { method: 'POST', body: Buffer.alloc(MIB) })).text, 'done');
  });

  test(`${front.name}: a URL that is too long is 414, too many or too large fields are 431`, async () => {
    const long = await front.ask(house, { path: `/${'a'.repeat(1024)}` });
    assert.deepEqual([long.status, codeOf(long.text)], [414, 'SP_LISTEN_URL_TOO_LONG']);
    const many: Record<string, string> = {};
    for (let i = 0; i < 51; i++) many[`x-${i}`] = '1';
    const told = await front.ask(house, { headers: many }).catch(() => undefined);
    if (front.name === 'HTTP/1.1') assert.equal(told?.status, 431);
    else assert.ok(told === undefined || told.status === 431);
    const large = await front
      .ask(house, { headers: { 'x-large': 'l'.repeat(9_000) } })
      .catch(() => undefined);
    if (front.name === 'HTTP/1.1') assert.equal(large?.status, 431);
    else assert.ok(large === undefined || large.status === 431);
    assert.equal((await front.ask(house)).text, 'done');
  });

  test(`${front.name}: a client that takes nothing of its answer is given up, and its upstream with it`, async () => {
    const call = front.open(house, { path: '/endless' }, true);
    await call.head;
    await eventually('the upstream is let go', () => {
      const last = upstream.seen.findLast((req) => req.url === '/endless');
      return last?.socket.destroyed === true;
    });
    call.leave();
  });
}

function socketTo(alpn: string): Promise<TLSSocket> {
  const socket = connectTls({
    host: '127.0.0.1',
    port: house.port,
    ca: house.ca,
    servername: 'localhost',
    ALPNProtocols: [alpn],
  });
  socket.on('error', () => {});
  return once(socket, 'secureConnect').then(() => socket);
}

async function closesWithin(socket: TLSSocket, ms: number): Promise<void> {
  socket.resume();
  await Promise.race([
    once(socket, 'close'),
    sleep(ms, undefined, { ref: false }).then(() => assert.fail(`still open after ${ms} ms`)),
  ]);
}

test('HTTP/1.1: a head that does not come to its end in time is cut, however steadily it drips', async () => {
  const silent = await socketTo('http/1.1');
  const dripping = await socketTo('http/1.1');
  dripping.write('GET / HTTP/1.1\r\nhost: localhost\r\n');
  const drip = setInterval(() => dripping.write('x-a: b\r\n'), 100);
  await Promise.all([closesWithin(silent, 4_000), closesWithin(dripping, 4_000)]);
  clearInterval(drip);
});

test('HTTP/2: a connection without a stream is cut, though settings and pings come', async () => {
  const session = openSession(house);
  await once(session, 'connect');
  const ping = setInterval(() => session.destroyed || session.ping(() => {}), 100);
  await Promise.race([once(session, 'close'), sleep(4_000).then(() => assert.fail('still open'))]);
  clearInterval(ping);
});

test('idle connections are closed on both protocols; those at work are not', async () => {
  const raw = await openTls(house);
  raw.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  assert.ok(await raw.until(() => raw.received.includes('done')));
  const session = openSession(house);
  const call = openStream(session, { path: '/' }, true);
  await call.head;
  for await (const _ of call.down);
  const begin = performance.now();
  await Promise.all([
    closesWithin(raw.socket, 4_000),
    Promise.race([once(session, 'close'), sleep(4_000).then(() => assert.fail('still open'))]),
  ]);
  assert.ok(performance.now() - begin > 800);
});

test('a client that waits to be asked for its body is asked when it is wanted, and refused before it sends', async () => {
  const send = (path: string): Promise<{ status: number; asked: boolean }> =>
    new Promise((resolve, reject) => {
      let asked = false;
      const call = request(
        {
          host: '127.0.0.1',
          port: house.port,
          servername: 'localhost',
          ca: house.ca,
          agent: false,
          method: 'POST',
          path,
          headers: { host: 'localhost', expect: '100-continue', 'content-length': 4 },
        },
        (answer) => {
          answer.resume();
          resolve({ status: answer.statusCode ?? 0, asked });
          call.destroy();
        },
      );
      call.on('continue', () => {
        asked = true;
        call.end('body');
      });
      call.on('error', reject);
      call.flushHeaders();
    });
  assert.deepEqual(await send('/'), { status: 200, asked: true });
  assert.deepEqual(await send('/closed'), { status: 401, asked: false });
  const session = openSession(house);
  const call = openStream(session, { method: 'POST', headers: { expect: '100-continue' } });
  await once(call.stream, 'continue');
  call.up.end('body');
  assert.equal((await call.head).status, 200);
  session.destroy();
});

test('three hundred requests on one connection leave no listener behind', async () => {
  const raw = await openTls(house);
  for (let i = 0; i < 300; i++) {
    raw.received = '';
    if (i % 3 === 0) raw.write('POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2000\r\n\r\n');
    if (i % 3 === 0) raw.write('x'.repeat(2000));
    if (i % 3 === 1) raw.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    if (i % 3 === 2) raw.write('GET /closed HTTP/1.1\r\nhost: localhost\r\n\r\n');
    assert.ok(await raw.until(() => raw.received.includes(i % 3 === 2 ? 'requestId' : 'done')), `${i}`);
  }
  raw.close();
  assert.deepEqual(warnings, []);
});

test('an upgrade behind a request that is not answered yet harms nobody', async () => {
  for (let round = 0; round < 3; round++) {
    const socket = await socketTo('http/1.1');
    socket.write(
      'GET /endless HTTP/1.1\r\nhost: localhost\r\n\r\nGET / HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    );
    await sleep(50 * round);
    socket.destroy();
  }
  for (const front of FRONTS) assert.equal((await front.ask(house)).text, 'done');
});
