import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket, WebSocketServer } from 'ws';
import { eventually } from '../support/eventually.ts';
import { openSession, openStream } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

let house: TestGateway;
let port = 0;
const sockets = new Set<Socket>();
const closes: number[] = [];
const server = createServer((_req, res) => res.end('plain'));
const app = new WebSocketServer({
  noServer: true,
  handleProtocols: (offered) => (offered.has('two') ? 'two' : false),
});

before(async () => {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  server.on('upgrade', (req, socket, head) => {
    if (req.url === '/refused') {
      socket.end('HTTP/1.1 401 Unauthorized\r\nx-why: closed\r\ncontent-length: 9\r\n\r\nnot today');
      return;
    }
    app.handleUpgrade(req, socket, head, (ws) => {
      ws.on('close', (code) => closes.push(code));
      ws.on('error', () => {});
      if (req.url === '/greets') ws.send('hello at once');
      if (req.url === '/leaves') ws.close(4321, 'enough');
      if (req.url === '/falls') ws.terminate();
      ws.on('message', (message, binary) => ws.send(message, { binary }));
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  port = typeof address === 'object' && address !== null ? address.port : 0;
  house = await startTestGateway({
    listen: 'limits: { keepAlive: 500ms, headerTimeout: 1s, bodyIdle: 500ms }',
    yaml: `upstreams: { chat: { targets: ["http://127.0.0.1:${port}"], firstByteTimeout: 500ms, idleTimeout: 500ms, keepAlive: 500ms } }
routes:
  - { host: localhost, upstream: chat, public: true }
  - { host: idle.localhost, upstream: chat, public: true, streamIdle: 600ms }
`,
  });
});

after(async () => {
  await house.close();
  for (const socket of sockets) socket.destroy();
  server.close();
});

function open(path: string, protocols: string[] = [], host = 'localhost'): WebSocket {
  const client = new WebSocket(`wss://${host}:${house.port}${path}`, protocols, {
    ca: house.ca,
    lookup: (_name, _options, done) => done(null, [{ address: '127.0.0.1', family: 4 }]),
  });
  client.on('error', () => {});
  return client;
}

test('messages go both ways and arrive unchanged, the largest as well', async () => {
  const client = open('/');
  await once(client, 'open');
  for (const size of [0, 1, 125, 126, 65_536, 1_000_000]) {
    const message = Buffer.alloc(size, size % 251);
    client.send(message);
    const [back, binary] = await once(client, 'message');
    assert.ok(binary && message.equals(back));
  }
  client.send('text ä');
  assert.equal(String((await once(client, 'message'))[0]), 'text ä');
  client.close(4000, 'bye');
  const [code] = await once(client, 'close');
  assert.equal(code, 4000);
  await eventually('the upstream is told', () => closes.includes(4000));
});

test('the chosen subprotocol and a message right behind the handshake arrive', async () => {
  const client = open('/greets', ['one', 'two']);
  const first = once(client, 'message');
  await once(client, 'open');
  assert.equal(client.protocol, 'two');
  assert.equal(String((await first)[0]), 'hello at once');
  client.terminate();
});

test('the close code of the upstream reaches the client; one that falls is a broken connection', async () => {
  const told = await once(open('/leaves'), 'close');
  assert.deepEqual([told[0], String(told[1])], [4321, 'enough']);
  assert.equal((await once(open('/falls'), 'close'))[0], 1006);
});

test('an upstream that refuses the upgrade answers as it likes', async () => {
  const client = open('/refused');
  const [, answer] = await once(client, 'unexpected-response');
  let text = '';
  for await (const chunk of answer) text += chunk;
  assert.deepEqual([answer.statusCode, answer.headers['x-why'], text], [401, 'closed', 'not today']);
  const session = openSession(house);
  const call = openStream(session, webSocket('/refused'));
  const head = await call.head;
  assert.deepEqual([head.status, head.field('x-why')], [401, 'closed']);
  session.destroy();
});

test('a client that falls ends the connection of the upstream', async () => {
  await eventually('nothing is open', () => app.clients.size === 0 && closes.length >= 3);
  const client = open('/');
  await once(client, 'open');
  assert.ok(sockets.size > 0);
  client.terminate();
  await eventually('it is gone', () => sockets.size === 0);
});

test('a tunnel outlives every timeout of a request, and ends when it is silent for too long', async () => {
  const client = open('/');
  const idle = open('/', [], 'idle.localhost');
  await Promise.all([once(client, 'open'), once(idle, 'open')]);
  const begin = performance.now();
  const [code] = await once(idle, 'close');
  assert.ok(performance.now() - begin > 500);
  assert.equal(code, 1006);
  await sleep(1500);
  client.send('still here');
  assert.equal(String((await once(client, 'message'))[0]), 'still here');
  client.terminate();
});

function webSocket(path: string) {
  return {
    method: 'CONNECT',
    path,
    headers: { ':protocol': 'websocket', ':scheme': 'https', 'sec-websocket-version': '13' },
  };
}

test('over HTTP/2 a WebSocket is a stream like others', async () => {
  const session = openSession(house);
  await once(session, 'remoteSettings');
  const call = openStream(session, webSocket('/'));
  assert.equal((await call.head).status, 200);
  // One masked text frame: "hi".
  call.up.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x68, 0x69]));
  for await (const chunk of call.down) {
    assert.deepEqual([...chunk], [0x81, 2, 0x68, 0x69]);
    break;
  }
  const plain = openStream(session, { path: '/' }, true);
  assert.equal((await plain.head).status, 200);
  call.leave();
  await eventually('the tunnel is gone', () => app.clients.size === 0);
  session.destroy();
});

test('a client that leaves between request and handshake leaves nothing behind', async () => {
  for (let i = 0; i < 20; i++) {
    const client = open('/');
    client.on('open', () => client.terminate());
    setTimeout(() => client.terminate(), i);
  }
  await sleep(200);
  await eventually('all are gone', () => app.clients.size === 0);
  const session = openSession(house);
  for (let i = 0; i < 20; i++) {
    const call = openStream(session, webSocket('/'));
    setTimeout(() => call.leave(), i);
  }
  await sleep(200);
  await eventually('all are gone', () => app.clients.size === 0);
  session.destroy();
});
