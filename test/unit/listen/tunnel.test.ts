import assert from 'node:assert/strict';
import { type Duplex, duplexPair } from 'node:stream';
import { test } from 'node:test';
import { Tunnel, type TunnelEnd } from '../../../src/listen/tunnel.ts';
import { closeFrame } from '../../../src/listen/websocket-frames.ts';

interface Joined {
  readonly tunnel: Tunnel;
  /** What the client holds, and what the upstream holds. */
  readonly client: Duplex;
  readonly upstream: Duplex;
  readonly atClient: () => Buffer;
  readonly atUpstream: () => string;
  readonly end: () => TunnelEnd | undefined;
}

function join(): Joined {
  const [client, ourClient] = duplexPair();
  const [upstream, ourUpstream] = duplexPair();
  const toClient: Buffer[] = [];
  const toUpstream: Buffer[] = [];
  client.on('data', (chunk: Buffer) => toClient.push(chunk));
  upstream.on('data', (chunk: Buffer) => toUpstream.push(chunk));
  for (const end of [client, upstream]) end.on('error', () => {});
  let ended: TunnelEnd | undefined;
  const tunnel = new Tunnel(ourClient, ourUpstream, 0, (end) => {
    ended = end;
  });
  return {
    tunnel,
    client,
    upstream,
    atClient: () => Buffer.concat(toClient),
    atUpstream: () => Buffer.concat(toUpstream).toString(),
    end: () => ended,
  };
}

function frame(text: string): Buffer {
  return Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);
}

const GOODBYE = Buffer.from(closeFrame(4401, 'why'));
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('a tunnel cut between two frames says goodbye at once, and nothing passes any more', async () => {
  const { tunnel, client, upstream, atClient, atUpstream, end } = join();
  upstream.write(frame('one'));
  client.write('hello');
  await pause(10);
  tunnel.cut('why');
  client.write('too late');
  upstream.write(frame('two'));
  await pause(10);
  assert.deepEqual(atClient(), Buffer.concat([frame('one'), GOODBYE]));
  assert.equal(atUpstream(), 'hello');
  client.end();
  client.destroy();
  await pause(600);
  assert.deepEqual(end(), { bytesOut: 5 });
});

test('a tunnel cut inside a frame lets that frame end, and no other one begin', async () => {
  const { tunnel, upstream, atClient } = join();
  const one = frame('a longer text');
  upstream.write(one.subarray(0, 5));
  await pause(10);
  tunnel.cut('why');
  await pause(10);
  upstream.write(Buffer.concat([one.subarray(5), frame('two')]));
  await pause(10);
  assert.deepEqual(atClient(), Buffer.concat([one, GOODBYE]));
});

test('a frame that does not end in time is broken off', async () => {
  const { tunnel, upstream, client, atClient } = join();
  upstream.write(frame('a longer text').subarray(0, 5));
  await pause(10);
  let closedAt = 0;
  client.on('end', () => {
    closedAt = performance.now();
  });
  const cutAt = performance.now();
  tunnel.cut('why');
  await pause(300);
  assert.equal(atClient().length, 5);
  assert.ok(closedAt > 0 && closedAt - cutAt < 250, `${closedAt - cutAt} ms`);
});

test('a client that does not leave is left', async () => {
  const { tunnel, end, upstream } = join();
  upstream.write(frame('one'));
  await pause(10);
  tunnel.cut('why');
  await pause(700);
  assert.notEqual(end(), undefined);
});

test('after the close frame of the upstream there is no second one', async () => {
  const { tunnel, upstream, atClient } = join();
  const theirs = Buffer.from(closeFrame(1000, 'bye'));
  upstream.write(theirs);
  await pause(10);
  tunnel.cut('why');
  await pause(10);
  assert.deepEqual(atClient(), theirs);
});

test('a tunnel is cut once, and not after its end', async () => {
  const { tunnel, client, atClient } = join();
  tunnel.cut('why');
  tunnel.cut('why');
  await pause(10);
  assert.deepEqual(atClient(), GOODBYE);
  client.destroy();
  await pause(10);
  tunnel.cut('why');
});
