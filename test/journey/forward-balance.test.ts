import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { FRONTS, type Front } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';

const open: { close(): Promise<void> }[] = [];

afterEach(async () => {
  for (const part of open.splice(0)) await part.close();
});

async function three(name: (i: number) => string = String): Promise<NodeUpstream[]> {
  const upstreams = await Promise.all(
    [0, 1, 2].map((i) =>
      startNodeUpstream((req, res) => {
        req.resume();
        req.on('end', () => res.end(name(i)));
      }),
    ),
  );
  open.push(...upstreams);
  return upstreams;
}

async function houseOver(urls: readonly string[], more = ''): Promise<TestGateway> {
  const house = await startTestGateway({
    yaml: `upstreams: { many: { targets: [${urls.map((url) => `"${url}"`).join(', ')}]${more} } }
routes: [{ host: localhost, upstream: many, public: true }]
`,
  });
  open.unshift(house);
  return house;
}

async function answers(front: Front, house: TestGateway, count: number, method = 'GET'): Promise<string[]> {
  const told: string[] = [];
  for (let i = 0; i < count; i++) {
    const body = method === 'POST' ? { body: 'x' } : {};
    told.push((await front.ask(house, { method, ...body })).text);
  }
  return told;
}

for (const front of FRONTS) {
  test(`${front.name}: requests go round over the targets`, async () => {
    const house = await houseOver((await three()).map(({ url }) => url));
    assert.deepEqual((await answers(front, house, 9)).sort(), ['0', '0', '0', '1', '1', '1', '2', '2', '2']);
  });

  test(`${front.name}: while two of three targets are down every request of any method is served`, async () => {
    const upstreams = await three();
    const house = await houseOver(upstreams.map(({ url }) => url));
    await upstreams[0]?.close();
    await upstreams[2]?.close();
    open.splice(open.indexOf(house) + 1, 3);
    if (upstreams[1] !== undefined) open.push(upstreams[1]);
    assert.deepEqual(await answers(front, house, 6, 'POST'), ['1', '1', '1', '1', '1', '1']);
    assert.equal(upstreams[1]?.seen.length, 6);
  });

  test(`${front.name}: a target that failed too often rests, and returns`, async () => {
    const [good, , away] = await three();
    assert.ok(good !== undefined && away !== undefined);
    const house = await houseOver([good.url, away.url], ', eject: { after: 2, for: 600ms }');
    await away.close();
    await answers(front, house, 6);
    const back = await startNodeUpstream((_req, res) => res.end('back'), away.port);
    open[open.indexOf(away)] = back;
    assert.ok(!(await answers(front, house, 4)).includes('back'), 'it rests');
    await sleep(900);
    assert.ok((await answers(front, house, 4)).includes('back'), 'it returns');
  });

  test(`${front.name}: only what may be sent twice is sent twice`, async () => {
    const counts = new Map<string, number>();
    const rude = await startRawUpstream((head, socket) => {
      const method = head.split(' ', 1)[0] ?? '';
      counts.set(method, (counts.get(method) ?? 0) + 1);
      socket.destroy();
    });
    open.push(rude);
    const house = await houseOver([rude.url], ', retries: 2');
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE', 'PUT', 'POST']) {
      const told = await front.ask(house, { method, headers: { 'content-length': '0' } });
      assert.equal(told.status, 502);
    }
    assert.deepEqual(Object.fromEntries(counts), { GET: 3, HEAD: 3, OPTIONS: 3, DELETE: 1, PUT: 1, POST: 1 });
  });

  test(`${front.name}: a request of which the upstream answered one byte is not sent again`, async () => {
    let count = 0;
    const rude = await startRawUpstream((_head, socket) => {
      count++;
      socket.end('HTTP/1.1 103 Early Hints\r\n\r\n');
    });
    open.push(rude);
    const house = await houseOver([rude.url], ', retries: 2');
    assert.equal((await front.ask(house)).status, 502);
    assert.equal(count, 1);
  });

  test(`${front.name}: no more connections are opened than allowed; the others wait, and not for ever`, async () => {
    let most = 0;
    let now = 0;
    const upstream = await startNodeUpstream((req, res) => {
      if (req.url === '/never') return;
      most = Math.max(most, ++now);
      setTimeout(() => {
        now--;
        res.end('done');
      }, 30);
    });
    open.push(upstream);
    const house = await houseOver([upstream.url], ', connections: 2, connectTimeout: 500ms');
    const told = await Promise.all(Array.from({ length: 12 }, () => front.ask(house)));
    assert.ok(told.every(({ text }) => text === 'done'));
    assert.equal(most, 2);
    assert.ok(upstream.open.size <= 2);
    const stuck = [0, 1].map(() => front.open(house, { path: '/never' }, true));
    await eventually(
      'both are taken',
      () => upstream.seen.filter((req) => req.url === '/never').length === 2,
    );
    const late = await front.ask(house);
    assert.deepEqual([late.status, JSON.parse(late.text).code], [503, 'SP_FORWARD_BUSY']);
    for (const call of stuck) call.leave();
    await eventually('they are free', () => upstream.open.size === 0);
    assert.equal((await front.ask(house)).text, 'done');
  });
}
