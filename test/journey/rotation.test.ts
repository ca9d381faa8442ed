import assert from 'node:assert/strict';
import { test } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import { ask } from '../support/ask.ts';
import { pairMaker } from '../support/fresh-pair.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { startTraffic } from '../support/traffic.ts';

const NAMES = ['localhost', '*.localhost'];
const YAML = 'routes: [{ host: localhost, upstream: "internal:whoami", public: true }]\n';
const SITE = '/v1/certificates/localhost';
const ROTATIONS = 100;

test(`a certificate rotated ${ROTATIONS} times under load: no failed request, new handshakes see it at once, open connections go on`, async (t) => {
  const house = await startTestGateway({ yaml: YAML });
  t.after(() => house.close());
  const maker = pairMaker(NAMES);
  const door = { port: house.port, ca: `${house.ca}\n${maker.ca}` };
  const held = await open(door);
  const heldFingerprint = held.getPeerCertificate().fingerprint256;
  const traffic = startTraffic(door, { keeping: 3, fresh: 3 });
  let previous = heldFingerprint;
  for (let round = 0; round < ROTATIONS; round++) {
    const pair = maker.make();
    // Used now and then, it is not closed as one that never sends a request.
    if (round % 10 === 0) assert.match(await speak(held), /^HTTP\/1\.1 200/);
    const { certificate, key } = pair;
    const answer = await house.call('PUT', SITE, { certificate, key });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal(field(answer.body, 'fingerprint256'), pair.fingerprint256);
    assert.equal(field(answer.body, 'previous'), previous);
    assert.equal((await ask(door)).fingerprint256, pair.fingerprint256);
    previous = pair.fingerprint256;
  }
  await traffic.stop();
  assert.deepEqual(traffic.failures, []);
  assert.ok(traffic.answered > ROTATIONS, `only ${traffic.answered} answers`);
  assert.match(await speak(held), /^HTTP\/1\.1 200/);
  assert.equal(held.getPeerCertificate().fingerprint256, heldFingerprint);
  held.destroy();
  t.diagnostic(`${traffic.answered} requests, none failed`);
});

test('a rotation can be taken back, and is there after a restart', async (t) => {
  const first = await startTestGateway({ yaml: YAML });
  const maker = pairMaker(NAMES);
  const door = (house: TestGateway) => ({ port: house.port, ca: `${house.ca}\n${maker.ca}` });
  const [old, next] = [maker.make(), maker.make()];
  for (const { certificate, key } of [old, next]) await first.call('PUT', SITE, { certificate, key });
  const back = await first.call('POST', `${SITE}/rollback`);
  assert.equal(field(back.body, 'fingerprint256'), old.fingerprint256);
  assert.equal((await ask(door(first))).fingerprint256, old.fingerprint256);
  await first.gateway.close();
  const second = await startTestGateway({ yaml: YAML, folder: first.folder });
  t.after(async () => {
    await second.close();
    await first.close();
  });
  assert.equal((await ask(door(second))).fingerprint256, old.fingerprint256);
  await second.call('POST', `${SITE}/rollback`);
  assert.equal((await ask(door(second))).fingerprint256, next.fingerprint256);
});

test('a bad upload is refused with every problem, and the old certificate still serves', async (t) => {
  const house = await startTestGateway({ yaml: YAML });
  t.after(() => house.close());
  const before = (await ask(house)).fingerprint256;
  const stranger = pairMaker(['elsewhere.example']);
  const wrong = await house.call('PUT', SITE, {
    certificate: stranger.make().certificate,
    key: stranger.make().key,
  });
  assert.equal(wrong.status, 422);
  const problems = field(wrong.body, 'problems');
  assert.ok(Array.isArray(problems));
  assert.match(problems.join('\n'), /key-mismatch:/);
  assert.match(problems.join('\n'), /localhost/);
  for (const upload of [
    { certificate: 'garbage', key: 'garbage' },
    { pkcs12: 'AAAA', passphrase: 'wrong' },
    { certificate: '', key: '' },
  ]) {
    const refused = await house.call('PUT', SITE, upload);
    assert.ok([400, 422].includes(refused.status), `${refused.status}`);
    assert.ok(Array.isArray(field(refused.body, 'problems')));
  }
  assert.equal((await ask(house)).fingerprint256, before);
});

function field(body: unknown, name: string): unknown {
  return typeof body === 'object' && body !== null ? Reflect.get(body, name) : undefined;
}

function open({ port, ca }: { readonly port: number; readonly ca: string }): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, ca, servername: 'localhost' }, () => resolve(socket));
    socket.once('error', reject);
  });
}

/** Sends a request over an open connection and gives the first piece of the answer. */
function speak(socket: TLSSocket): Promise<string> {
  return new Promise((resolve, reject) => {
    const closed = (): void => reject(new Error('closed'));
    socket.once('close', closed);
    socket.once('data', (chunk) => {
      socket.off('close', closed);
      resolve(chunk.toString());
    });
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  });
}
