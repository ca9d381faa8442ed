import assert from 'node:assert/strict';
import { connect as connectTcp, createServer as createTcpServer, type Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { eventually } from '../support/eventually.ts';
import { FRONTS } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';

const HOSTS = ['dead', 'deaf', 'slow', 'stale'] as const;

let upstream: NodeUpstream;
let house: TestGateway;
let deaf: { readonly port: number; close(): Promise<void> };

before(async () => {
  upstream = await startNodeUpstream((req, res) => {
    if (req.url === '/never') return;
    if (req.url === '/pause') {
      res.writeHead(200, { 'content-length': '100' });
      res.write('some');
      return;
    }
    req.resume();
    req.on('end', () => res.end('fine'));
  });
  const gone = await startNodeUpstream(() => {});
  await gone.close();
  deaf = await startDeaf();
  const targets: Record<(typeof HOSTS)[number], number> = {
    dead: gone.port,
    deaf: deaf.port,
    slow: upstream.port,
    stale: upstream.port,
  };
  house = await startTestGateway({
    listen: 'limits: { bodyIdle: 1s }',
    yaml: `upstreams:
${HOSTS.map((name) => `  ${name}: { targets: ["http://127.0.0.1:${targets[name]}"], connectTimeout: 300ms, firstByteTimeout: 300ms, idleTimeout: 300ms }`).join('\n')}
routes:
${HOSTS.map((name) => `  - { host: ${name}.localhost, upstream: ${name}, public: true }`).join('\n')}
`,
  });
});

after(async () => {
  await house.close();
  await upstream.close();
  await deaf.close();
});

/** A port whose queue of connections is full: the system answers no further SYN. */
async function startDeaf(): Promise<{ readonly port: number; close(): Promise<void> }> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen({ host: '127.0.0.1', port: 0, backlog: 0 }, resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  // Nothing accepts while this process is busy with a blocked listener; its backlog fills up with these.
  Reflect.get(server, '_handle').onconnection = () => {};
  const fillers: Socket[] = [];
  for (let i = 0; i < 8; i++) fillers.push(connectTcp({ host: '127.0.0.1', port }).on('error', () => {}));
  return {
    port,
    close: async () => {
      for (const filler of fillers) filler.destroy();
      server.close();
    },
  };
}

for (const front of FRONTS) {
  test(`${front.name}: nobody at the other end is 502, and says nothing about where`, async () => {
    const told = await front.ask(house, { host: 'dead.localhost' });
    assert.equal(told.status, 502);
    const problem = JSON.parse(told.text);
    assert.deepEqual(Object.keys(problem).sort(), ['code', 'requestId', 'status', 'title', 'type']);
    assert.equal(problem.code, 'SP_FORWARD_UNREACHABLE');
    assert.equal(told.field('content-type'), 'application/problem+json');
    assert.equal(told.field('x-request-id'), problem.requestId);
    assert.doesNotMatch(told.text, /127\.0\.0\.1|ECONN/);
    const line = (await house.log()).find((entry) => JSON.stringify(entry).includes(problem.requestId));
    assert.match(JSON.stringify(line), /econnrefused/i);
  });

  test(`${front.name}: a browser that navigates gets a page, a script does not`, async () => {
    const page = await front.ask(house, {
      host: 'dead.localhost',
      headers: { accept: 'text/html,*/*', 'sec-fetch-mode': 'navigate' },
    });
    assert.match(page.field('content-type') ?? '', /^text\/html/);
    assert.match(page.text, /SP_FORWARD_UNREACHABLE/);
    assert.match(page.field('content-security-policy') ?? '', /default-src 'none'/);
    for (const headers of [
      { accept: 'text/html', 'sec-fetch-mode': 'cors' },
      { accept: 'text/html', 'x-requested-with': 'XMLHttpRequest' },
      { accept: 'application/json' },
    ]) {
      const told = await front.ask(house, { host: 'dead.localhost', headers });
      assert.equal(told.field('content-type'), 'application/problem+json');
    }
  });

  test(`${front.name}: a connection that is not taken in time is 504`, async () => {
    const begin = performance.now();
    const told = await front.ask(house, { host: 'deaf.localhost', method: 'POST', body: 'x' });
    assert.deepEqual([told.status, JSON.parse(told.text).code], [504, 'SP_FORWARD_TIMEOUT']);
    assert.ok(performance.now() - begin < 2_000);
  });

  test(`${front.name}: an upstream that does not begin its answer is 504, and its connection is given up`, async () => {
    const told = await front.ask(house, { host: 'slow.localhost', path: '/never' });
    assert.deepEqual([told.status, JSON.parse(told.text).code], [504, 'SP_FORWARD_TIMEOUT']);
    const asked = upstream.seen.filter((req) => req.url === '/never');
    await eventually('the upstream sees it end', () => asked.every((req) => req.socket.destroyed));
  });

  test(`${front.name}: an upstream that falls silent in the middle of its answer breaks it, and the log says who it was`, async () => {
    const lines = async () => (await house.log()).filter(({ path }) => path === '/pause');
    const before = (await lines()).length;
    const call = front.open(house, { host: 'slow.localhost', path: '/pause' }, true);
    assert.equal((await call.head).status, 200);
    await assert.rejects(async () => {
      for await (const _ of call.down);
    });
    const [line] = (await lines()).slice(before);
    assert.deepEqual([line?.aborted, line?.code, line?.reason], [true, 'SP_FORWARD_TIMEOUT', 'idle']);
  });

  test(`${front.name}: a client that falls silent in the middle of its body is 408, not the upstream's fault`, async () => {
    const call = front.open(house, {
      host: 'slow.localhost',
      method: 'POST',
      headers: { 'content-length': '10' },
    });
    call.up.write('12345');
    const head = await call.head;
    assert.equal(head.status, 408);
    let text = '';
    for await (const chunk of call.down) text += chunk;
    assert.equal(JSON.parse(text).code, 'SP_LISTEN_TIMEOUT');
    call.leave();
  });

  test(`${front.name}: a kept connection that the upstream closed is no failure for a GET`, async () => {
    for (let round = 0; round < 5; round++) {
      assert.equal((await front.ask(house, { host: 'stale.localhost' })).text, 'fine');
      // Closed in the moment in which the next request is on its way.
      for (const socket of upstream.open) socket.resetAndDestroy();
      assert.equal((await front.ask(house, { host: 'stale.localhost' })).text, 'fine');
    }
  });
}
