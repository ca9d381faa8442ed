import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as open, type Socket } from 'node:net';
import { test } from 'node:test';
import { createServer, type SecureContext, type TLSSocket } from 'node:tls';
import { checkPair } from '../../../../src/certificates/certificate.ts';
import { encode, oid, sequence, set, tagged, utf8 } from '../../../../src/certificates/der.ts';
import { type OpenPemSource, readOpenPair } from '../../../../src/certificates/reading.ts';
import { Probe } from '../../../../src/certificates/rotation/probe.ts';
import { Shelf } from '../../../../src/certificates/shelf.ts';
import { authority, leaf, NOW, selfSigned } from '../../../fixtures/certificates/pki.ts';
import { GOOD_CHAINS, under } from '../../../fixtures/certificates/refused-chains.ts';

const root = authority('Root');

function accepted(source: OpenPemSource) {
  const { pair, problems } = checkPair(readOpenPair(source), { hosts: [], now: NOW });
  assert.deepEqual(problems, []);
  assert.ok(pair !== undefined);
  return pair;
}

function read(names: readonly string[]) {
  const { certificate, keyPem } = leaf(root, names);
  return accepted({ certificate, key: keyPem });
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
    assert.deepEqual([one.asked, two.asked], [[...wanted, wanted[0]], wanted]);
    await assert.rejects(probe.try(pair, found(read(names))), /it showed/);
  }
});

test('every chain that passes the checks passes OpenSSL as a client: whole, without its root, self-signed', async () => {
  const own = selfSigned(['www.example.com']);
  const sources = [...Object.values(GOOD_CHAINS), { certificate: own.certificate, key: own.keyPem }];
  for (const source of sources) {
    const pair = accepted(source);
    const probe = new Probe();
    probe.attach([endpoint(probe, read(['other.example.com'])).take]);
    assert.equal(await probe.try(pair, found(pair)), pair.fingerprint256);
  }
});

test('a chain that only OpenSSL as a client refuses is not confirmed, and it is told what it said', async () => {
  // Constraints on the subject, which are not looked at here.
  const elsewhere = sequence(set(sequence(oid('2.5.4.10'), utf8('Elsewhere'))));
  const value = encode(sequence(tagged(0, sequence(tagged(4, elsewhere)))));
  const pair = accepted(
    under([authority('Middle', { parent: root, extra: [{ id: '2.5.29.30', critical: true, value }] })]),
  );
  const probe = new Probe();
  probe.attach([endpoint(probe, pair).take]);
  await assert.rejects(
    probe.try(pair, found(pair)),
    /www\.example\.com failed: .*permitted subtree violation/,
  );
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
  assert.equal(strangers.length, 3);
});
