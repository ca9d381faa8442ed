import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '../support/eventually.ts';
import { type Call, FRONTS } from '../support/fronts.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { type NodeUpstream, startNodeUpstream } from '../support/node-upstream.ts';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'x');
const TOTAL = 64 * MIB;

let upstream: NodeUpstream;
let house: TestGateway;
let sent = 0;
let received = 0;
let reading = true;

before(async () => {
  upstream = await startNodeUpstream((req, res) => {
    if (req.url === '/download') {
      sent = 0;
      const more = (): void => {
        while (sent < TOTAL && !res.destroyed) {
          sent += PIECE.length;
          if (!res.write(PIECE)) return;
        }
        if (sent >= TOTAL) res.end();
      };
      res.on('drain', more);
      more();
    } else if (req.url === '/upload') {
      received = 0;
      req.on('data', (chunk: Buffer) => {
        received += chunk.length;
      });
      req.on('end', () => res.end(String(received)));
      if (!reading) req.pause();
    } else if (req.url === '/echo') {
      req.pipe(res);
    } else if (req.url === '/events') {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
      setTimeout(() => res.write('data: one\n\n'), 700);
      setTimeout(() => res.end('data: two\n\n'), 1400);
    }
  });
  house = await startTestGateway({
    yaml: `upstreams:
  one: { targets: ["${upstream.url}"] }
  quick: { targets: ["${upstream.url}"], firstByteTimeout: 400ms, idleTimeout: 400ms }
routes:
  - { host: localhost, upstream: one, public: true }
  - { host: quick.localhost, upstream: quick, public: true }
`,
  });
});

after(async () => {
  await house.close();
  await upstream.close();
});

async function* slowly(call: Call): AsyncGenerator<number> {
  let count = 0;
  for await (const chunk of call.down) {
    count += chunk.length;
    yield count;
  }
}

/** Waits until a count stays as it is for 300 ms; fails when it grows on and on. */
async function settled(count: () => number): Promise<number> {
  for (let tries = 0; tries < 20; tries++) {
    const before = count();
    await sleep(300);
    if (count() === before) return before;
  }
  return assert.fail(`${count()} bytes, and still more`);
}

for (const front of FRONTS) {
  test(`${front.name}: a reader that stops stops the upstream, and memory stays bounded`, async () => {
    const call = front.open(house, { path: '/download' }, true);
    assert.equal((await call.head).status, 200);
    let count = 0;
    let stopped = false;
    for await (count of slowly(call)) {
      if (stopped || count < MIB) continue;
      stopped = true;
      const rss = process.memoryUsage().rss;
      await settled(() => sent);
      assert.ok(sent - count < 24 * MIB, `${sent - count} bytes are on their way`);
      assert.ok(process.memoryUsage().rss - rss < 60 * MIB);
    }
    assert.equal(count, TOTAL);
  });

  test(`${front.name}: an upstream that does not read stops the client's upload, which then completes`, async () => {
    reading = false;
    const call = front.open(house, { method: 'POST', path: '/upload' });
    const upload = async (): Promise<void> => {
      for (let written = 0; written < TOTAL; written += PIECE.length) {
        uploaded += PIECE.length;
        if (!call.up.write(PIECE)) await new Promise((resolve) => call.up.once('drain', resolve));
      }
      call.up.end();
    };
    let uploaded = 0;
    const before = process.memoryUsage().rss;
    const done = upload();
    await eventually('the upload stops', () => upstream.seen.at(-1)?.url === '/upload');
    const stopped = await settled(() => uploaded);
    assert.ok(stopped < 48 * MIB, `${stopped} bytes were taken`);
    assert.ok(process.memoryUsage().rss - before < 60 * MIB);
    reading = true;
    upstream.seen.at(-1)?.resume();
    await done;
    let text = '';
    for await (const chunk of call.down) text += chunk;
    assert.equal(Number(text), TOTAL);
  });

  test(`${front.name}: an answer may flow while its request still does`, async () => {
    const call = front.open(house, { method: 'POST', path: '/echo' });
    call.up.write('first');
    assert.equal((await call.head).status, 200);
    const size = 8 * MIB;
    const upload = (async () => {
      for (let written = 0; written < size; written += PIECE.length) {
        if (!call.up.write(PIECE)) await new Promise((resolve) => call.up.once('drain', resolve));
      }
      call.up.end();
    })();
    let count = 0;
    for await (const chunk of call.down) count += chunk.length;
    await upload;
    assert.equal(count, size + 'first'.length);
  });

  test(`${front.name}: events arrive when they are sent, and their silence is not a timeout`, async () => {
    const begin = performance.now();
    const call = front.open(house, { path: '/events', host: 'quick.localhost' }, true);
    assert.equal((await call.head).status, 200);
    assert.ok(performance.now() - begin < 500, 'the head waits for an event');
    const events: string[] = [];
    for await (const chunk of call.down) events.push(chunk.toString());
    assert.deepEqual(events, ['data: one\n\n', 'data: two\n\n']);
  });
}
