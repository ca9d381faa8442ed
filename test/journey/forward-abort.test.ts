import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { FRONTS, openSession, openStream } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';

let upstream: NodeUpstream;
let house: TestGateway;
const closed: string[] = [];

before(async () => {
  upstream = await startNodeUpstream((req, res) => {
    const url = req.url ?? '';
    res.once('close', () => {
      if (!res.writableFinished) closed.push(url);
    });
    if (url.startsWith('/hang')) {
      req.resume();
    } else if (url.startsWith('/endless')) {
      const more = (): void => {
        while (!res.destroyed && res.write(Buffer.alloc(16 * 1024)));
      };
      res.on('drain', more);
      more();
    } else if (url.startsWith('/cut')) {
      res.writeHead(200, url.includes('chunked') ? {} : { 'content-length': '1000' });
      res.write('the first part');
      setTimeout(() => res.socket?.destroy(), 50);
    } else {
      req.resume();
      req.on('end', () => res.end('done'));
    }
  });
  house = await startTestGateway({
    yaml: `upstreams: { one: { targets: ["${upstream.url}"], connections: 4 } }
routes:
  - { host: localhost, upstream: one, public: true }
`,
  });
});

after(async () => {
  await house.close();
  await upstream.close();
});

for (const front of FRONTS) {
  test(`${front.name}: a client that leaves before its answer ends the upstream's request, on a fresh and on a used connection`, async () => {
    for (const round of ['fresh', 'used', 'used']) {
      const path = `/hang-${front.name}-${round}-${Math.random()}`;
      const call = front.open(house, { path }, true);
      await eventually('the request arrives', () => upstream.seen.some((req) => req.url === path));
      call.leave();
      await eventually('the upstream sees it end', () => closed.includes(path));
      assert.equal((await front.ask(house, { path: '/next' })).text, 'done');
    }
  });

  test(`${front.name}: a client that leaves in the middle of its upload ends the upstream's request`, async () => {
    await front.ask(house, { path: '/warm' });
    const path = `/hang-upload-${front.name}`;
    const call = front.open(house, { method: 'POST', path });
    call.up.on('error', () => {});
    call.up.write(Buffer.alloc(100_000));
    await eventually('the request arrives', () => upstream.seen.some((req) => req.url === path));
    call.leave();
    await eventually('the upstream sees it end', () => closed.includes(path));
  });

  test(`${front.name}: a client that leaves in the middle of its answer ends the upstream's`, async () => {
    await front.ask(house, { path: '/warm' });
    const path = `/endless-${front.name}`;
    const call = front.open(house, { path }, true);
    await call.head;
    for await (const chunk of call.down) {
      assert.ok(chunk.length > 0);
      break;
    }
    call.leave();
    await eventually('the upstream sees it end', () => closed.includes(path));
  });

  test(`${front.name}: an upstream that breaks off in the middle of its answer breaks the client's`, async () => {
    for (const path of ['/cut-length', '/cut-chunked']) {
      const call = front.open(house, { path }, true);
      assert.equal((await call.head).status, 200);
      await assert.rejects(async () => {
        for await (const _ of call.down);
      });
    }
  });
}

test('a hundred clients that leave at any moment leave no connection behind', async () => {
  for (const front of FRONTS) {
    for (let i = 0; i < 50; i++) {
      const path = i % 2 === 0 ? `/hang-many-${i}` : `/endless-many-${i}`;
      const call = front.open(house, { path }, i % 3 !== 0);
      call.up.on('error', () => {});
      setTimeout(() => call.leave(), i % 7);
      if (i % 10 === 9) await sleep(10);
    }
  }
  await eventually('every request ends', () => upstream.open.size <= 4);
  for (const front of FRONTS) assert.equal((await front.ask(house, { path: '/still' })).text, 'done');
  const upstreams = (await house.call('GET', '/v1/upstreams')).body;
  assert.match(JSON.stringify(upstreams), /"active":0/);
});

test('a body whose answer is over cannot harm the next exchange on its connection', async () => {
  // The answer ends while its client does not read; the connection goes to somebody else; then the client leaves.
  const session = openSession(house);
  const slow = openStream(session, { path: '/done' }, true);
  await slow.head;
  const other = FRONTS[0]?.open(house, { path: '/hang-other' }, true);
  await eventually('the other arrives', () => upstream.seen.some((req) => req.url === '/hang-other'));
  slow.leave();
  await sleep(100);
  assert.ok(!closed.includes('/hang-other'));
  other?.leave();
  session.close();
});
