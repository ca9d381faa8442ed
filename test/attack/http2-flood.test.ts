import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { after, before, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { END_HEADERS, END_STREAM, FRAME, frameOf, literals, openH2, type RawH2 } from '../support/raw-h2.ts';
import { openTls } from '../support/raw-tls.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { http2Fields } from '../support/walks.ts';

const MiB = 1024 * 1024;
const BIG = 8 * MiB;
const PIECE = Buffer.alloc(64 * 1024, 'x');
let upstream: RawUpstream;
let house: TestGateway;
let good: RawH2;

before(async () => {
  upstream = await startRawUpstream((head, socket) => {
    if (head.includes(' /big ')) sendBig(socket);
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
  });
  house = await startTestGateway({
    yaml: `routes: [{ host: localhost, upstream: "${upstream.url}", public: true }]\n`,
    listen: 'limits: { bodyIdle: 1s, headerTimeout: 2s }',
  });
  good = await openH2(house);
});
after(async () => {
  good.close();
  await house.close();
  await upstream.close();
});

/** Sends a large body as fast as it is taken, and keeps none of it: the memory that is measured is the gateway's. */
function sendBig(socket: Socket): void {
  let left = BIG;
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${BIG}\r\n\r\n`);
  const more = (): void => {
    while (left > 0 && !socket.destroyed) {
      left -= PIECE.length;
      if (!socket.write(PIECE)) return;
    }
    socket.off('drain', more);
  };
  socket.on('drain', more);
  more();
}

const GET = literals(http2Fields({}));
const RESET = Buffer.from([0, 0, 0, 8]);
/** Far above what these floods cost while they last; far below what they would if anything kept what they send. */
const MEMORY_BOUND = 150 * MiB;

/** Runs an attack while a good client asks; it must be answered all the time, and the memory must stay in bounds. */
async function under(attack: () => Promise<void>): Promise<void> {
  const rss = process.memoryUsage().rss;
  let over = false;
  const running = attack().finally(() => {
    over = true;
  });
  let answered = 0;
  do {
    const { status, body } = await good.ended(good.open(http2Fields({})), 10_000);
    assert.deepEqual([status, body], [200, 'fine'], 'the good client is not answered');
    answered++;
    await wait(10);
  } while (!over);
  await running;
  assert.ok(answered > 0);
  const grown = process.memoryUsage().rss - rss;
  assert.ok(grown < MEMORY_BOUND, `${Math.round(grown / MiB)} MiB more`);
}

/** Sends batches until the server has enough. @returns whether it ended the connection */
async function flood(batches: number, batch: (h2: RawH2, i: number) => Buffer): Promise<boolean> {
  const h2 = await openH2(house);
  for (let i = 0; i < batches && !h2.tls.closed && !h2.goaway; i++) {
    h2.tls.write(batch(h2, i));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await h2.tls.until(() => h2.goaway, 3_000);
  const ended = h2.goaway || h2.tls.closed;
  h2.close();
  return ended;
}

const each = (count: number, make: (k: number) => Buffer[]): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, k) => make(k)).flat());
const streamOf = (i: number, k: number, size: number): number => 1 + 2 * (i * size + k);

test('streams that are opened and reset at once end the connection', async () => {
  await under(async () => {
    const ended = await flood(100, (_, i) =>
      each(50, (k) => {
        const stream = streamOf(i, k, 50);
        return [
          frameOf(FRAME.headers, END_HEADERS | END_STREAM, stream, GET),
          frameOf(FRAME.reset, 0, stream, RESET),
        ];
      }),
    );
    assert.ok(ended);
  });
});

test('streams that the client makes the server reset end the connection', async () => {
  await under(async () => {
    // A window update of nothing is an error of the stream (RFC 9113 §6.9), after which the server has to reset it.
    const ended = await flood(100, (_, i) =>
      each(50, (k) => {
        const stream = streamOf(i, k, 50);
        return [
          frameOf(FRAME.headers, END_HEADERS | END_STREAM, stream, GET),
          frameOf(FRAME.windowUpdate, 0, stream, Buffer.alloc(4)),
        ];
      }),
    );
    assert.ok(ended);
  });
});

test('fields that go on and on in CONTINUATION end the connection', async () => {
  await under(async () => {
    const piece = literals(
      Array.from({ length: 50 }, (_, i): [string, string] => [`x-${i}`, 'a'.repeat(100)]),
    );
    const ended = await flood(200, (_, i) =>
      i === 0 ? frameOf(FRAME.headers, END_STREAM, 1, GET) : frameOf(FRAME.continuation, 0, 1, piece),
    );
    assert.ok(ended);
    const empty = await flood(200, (_, i) =>
      i === 0
        ? frameOf(FRAME.headers, END_STREAM, 1, GET)
        : each(20, () => [frameOf(FRAME.continuation, 0, 1, Buffer.alloc(0))]),
    );
    assert.ok(empty);
  });
});

test('pings, settings, priorities and empty frames by the thousand hurt nobody', async () => {
  const open = (rest: (i: number) => Buffer) => (_: RawH2, i: number) =>
    i === 0 ? frameOf(FRAME.headers, END_HEADERS, 1, literals(http2Fields({ method: 'POST' }))) : rest(i);
  await under(async () => {
    const settings = Buffer.from([0, 4, 0, 1, 0, 0]);
    await Promise.all([
      flood(100, () => each(100, () => [frameOf(FRAME.ping, 0, 0, Buffer.alloc(8))])),
      flood(100, () => each(100, () => [frameOf(FRAME.settings, 0, 0, settings)])),
      flood(
        100,
        open(() => each(100, () => [frameOf(FRAME.data, 0, 1)])),
      ),
      flood(100, (_, i) =>
        each(100, (k) => [frameOf(FRAME.priority, 0, streamOf(i, k, 100), Buffer.from([0, 0, 0, 0, 1]))]),
      ),
      flood(100, () => each(100, () => [frameOf(0xbe, 0, 0, Buffer.alloc(20))])),
    ]);
  });
});

test('a field section larger than the limit, also by references into the table, is refused', async () => {
  await under(async () => {
    for (const size of [40_000, 16_000]) {
      const h2 = await openH2(house);
      const value = 'a'.repeat(size);
      const stream = h2.open(http2Fields({}), {
        block: Buffer.concat([GET, literals(size > 16_384 ? [] : [['x-a', value]])]),
      });
      await h2.ended(stream, 1_000);
      h2.close();
    }
    // One field of 4,000 bytes goes into the table; every further byte of the section names it again (RFC 7541 §6.1).
    const entry = literals([['x-bomb', 'a'.repeat(3_900)]]);
    entry[0] = 0x40;
    for (let round = 0; round < 20; round++) {
      const h2 = await openH2(house);
      const stream = h2.open([], { block: Buffer.concat([GET, entry, Buffer.alloc(10_000, 0xbe)]) });
      const { status } = await h2.ended(stream, 2_000);
      h2.close();
      assert.ok(status === 0 || status === 431 || status === 400, String(status));
    }
  });
});

test('readers that take nothing hold neither the memory nor the upstream', async () => {
  await under(async () => {
    const readers = await Promise.all(Array.from({ length: 8 }, () => openTls(house, { alpn: 'h2' })));
    for (const reader of readers) {
      // A window of nothing: no byte of an answer may be sent.
      const settings = frameOf(FRAME.settings, 0, 0, Buffer.from([0, 4, 0, 0, 0, 0]));
      const asks = each(60, (k) => [
        frameOf(
          FRAME.headers,
          END_HEADERS | END_STREAM,
          1 + 2 * k,
          literals(http2Fields({ target: '/big' })),
        ),
      ]);
      reader.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settings, asks]));
    }
    await wait(2_500);
    for (const reader of readers) reader.close();
  });
});

test('connections that say nothing behind the preface, or half a frame, are ended', async () => {
  const halves = [
    '',
    'PRI * HTTP/2.0\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    `PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n${frameOf(FRAME.settings, 0, 0).toString('latin1')}\0\0`,
    'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n',
    'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n',
    Buffer.alloc(5_000, 0xff).toString('latin1'),
  ];
  await under(async () => {
    await Promise.all(
      halves.map(async (bytes) => {
        const raw = await openTls(house, { alpn: 'h2' });
        if (bytes !== '') raw.write(bytes);
        await raw.until(() => raw.closed, 4_500);
        const { closed } = raw;
        raw.close();
        assert.ok(closed, JSON.stringify(bytes.slice(0, 60)));
      }),
    );
  });
});
