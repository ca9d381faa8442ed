import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as open, type Socket } from 'node:net';
import { test } from 'node:test';
import { createServer, type SecureContext, type TLSSocket } from 'node:tls';
import { checkPair } from '../../../../src/certificates/certificate.ts';
import { readOpenPair } from '../../../../src/certificates/reading.ts';
import { Probe } from '../../../../src/certificates/rotation/probe.ts';
import { Shelf } from '../../../../src/certificates/shelf.ts';
import { authority, leaf, NOW } from '../../../fixtures/certificates/pki.ts';

const root = authority('Root');

function read(names: readonly string[]) {
  const { certificate, keyPem } = leaf(root, names);
  const { pair } = checkPair(readOpenPair({ certificate, key: keyPem }), { hosts: [], now: NOW });
  assert.ok(pair !== undefined);
  return pair;
}

function found(pair: ReturnType<typeof read>) {
  return new Shelf(10).preview({ name: 'site', preset: 'intermediate', pair, source: 'uploaded' });
}

/** An endpoint that serves what is staged, and something else to everybody else; `asked` are the names that it was asked for. */
function endpoint(probe: Probe, other: ReturnType<typeof read>) {
  const asked: string[] = [];
  const server = createServer({
    SNICallback(this: TLSSocket, name: string, give: (error: Error | null, context?: SecureContext) => void) {
      asked.push(name);
      give(null, (probe.stagedFor(this) ?? found(other)).contextFor(this));
    },
  });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  return { asked, take: (socket: Socket) => void server.emit('connection', socket) };
}

test('a pair is confirmed only by handshakes at every endpoint that showed it, also one for addresses alone', async () => {
  for (const names of [['www.example.com', '*.example.com'], ['192.0.2.1']]) {
    const pair = read(names);
    const probe = new Probe();
    const [one, two] = [endpoint(probe, read(names)), endpoint(probe, read(names))];
    probe.attach([one.take, two.take]);
    assert.equal(await probe.try(pair, found(pair)), pair.fingerprint256);
    const wanted = names.length === 2 ? ['www.example.com', 'probe.example.com'] : ['probe.invalid'];
    assert.deepEqual([one.asked, two.asked], [wanted, wanted]);
    await assert.rejects(probe.try(pair, found(read(names))), /it showed/);
  }
});

test('nothing is confirmed before there is an endpoint, nor by one that hangs up', async () => {
  const pair = read(['www.example.com']);
  const probe = new Probe();
  await assert.rejects(probe.try(pair, found(pair)), /not open yet/);
  probe.attach([(socket) => void socket.destroy()]);
  await assert.rejects(probe.try(pair, found(pair)), /the handshake for www.example.com failed/);
});

test('a stranger who finds the port of a handshake with oneself is hung up on', async () => {
  const pair = read(['www.example.com', 'api.example.com']);
  const probe = new Probe();
  const { take } = endpoint(probe, pair);
  const strangers: Socket[] = [];
  const seen: number[] = [];
  probe.attach([
    (socket) => {
      seen.push(socket.remotePort ?? 0);
      strangers.push(open({ host: '127.0.0.1', port: socket.localPort ?? 0 }));
      take(socket);
    },
  ]);
  await probe.try(pair, found(pair));
  for (const stranger of strangers) {
    stranger.on('error', () => undefined);
    if (!stranger.closed) await once(stranger, 'close');
    assert.ok(!seen.includes(stranger.localPort ?? -1));
  }
  assert.equal(strangers.length, 2);
});
