import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { DAY_MS, MINUTE_MS, openTellerHouse, toldIds, view } from './teller-house.ts';

const refuse = (status: number) => (res: { writeHead(code: number): { end(text: string): unknown } }) =>
  void res.writeHead(status).end('answer-canary');

test('each threshold is told once, over all processes and restarts, and the end is told once', async (t) => {
  const house = await openTellerHouse(t);
  const second = (await house.cellar.another()).store;
  const processes = [house.process(), house.process(second)];
  for (const left of [40, 30, 29.5, 20, 7, 6, 1, 0.5, 0, -1, -100]) {
    house.leave(left * DAY_MS);
    await Promise.all(processes.map((one) => one.look()));
    await Promise.all(processes.map((one) => one.look()));
    await house.process(second).look();
  }
  assert.deepEqual(toldIds(house), [
    'certificate-expiring/2592000',
    'certificate-expiring/604800',
    'certificate-expiring/86400',
    'certificate-expired',
  ]);
  assert.deepEqual(house.outcomes, ['delivered', 'delivered', 'delivered', 'delivered']);
});

test('a gateway that is started late tells the threshold that counts, not those before it', async (t) => {
  const house = await openTellerHouse(t);
  house.leave(2 * DAY_MS);
  await house.process().look();
  assert.deepEqual(toldIds(house), ['certificate-expiring/604800']);
  const [body] = house.receiver.bodies();
  assert.deepEqual(body, {
    event: 'certificate-expiring',
    id: `certificate-expiring/${'ab'.repeat(32)}/604800`,
    at: new Date(house.cellar.clock()).toISOString(),
    certificate: {
      name: 'site',
      names: ['a.test', 'b.test'],
      notAfter: view().notAfter,
      fingerprint256: view().fingerprint256,
      source: 'files',
      remainingSec: 172_800,
    },
  });
});

test('a receiver that fails is asked again later and later, by any process, until it takes the notice', async (t) => {
  const house = await openTellerHouse(t);
  const second = (await house.cellar.another()).store;
  const [one, two] = [house.process(), house.process(second)];
  house.leave(6 * DAY_MS);
  house.receiver.answer = refuse(500);
  await one.look();
  await two.look();
  assert.equal(house.receiver.received.length, 1, 'nobody asks again at once');
  house.cellar.advance(MINUTE_MS);
  await two.look();
  await one.look();
  assert.equal(house.receiver.received.length, 2);
  house.cellar.advance(MINUTE_MS);
  await one.look();
  assert.equal(house.receiver.received.length, 2, 'the second wait is two minutes');
  house.receiver.answer = (res) => void res.writeHead(200).end();
  house.cellar.advance(MINUTE_MS);
  await one.look();
  house.cellar.advance(DAY_MS / 2);
  await two.look();
  assert.deepEqual(house.outcomes, ['failed', 'failed', 'delivered']);
  assert.equal(new Set(toldIds(house)).size, 1, 'every attempt has the same id');
});

test('a receiver that refuses connections is told when it is back', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  await house.receiver.close();
  await teller.look();
  assert.match(house.lines.join('\n'), /a notice was not taken .*ECONNREFUSED/);
  await house.receiver.reopen();
  house.cellar.advance(MINUTE_MS);
  await teller.look();
  assert.deepEqual(house.outcomes, ['failed', 'delivered']);
});

test('a notice is given up after twelve attempts in some sixteen hours; the next threshold is told anew', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  house.receiver.answer = refuse(404);
  const beganMs = house.cellar.clock();
  let lastMs = beganMs;
  for (let minute = 0; minute < 24 * 60; minute++) {
    const before = house.receiver.received.length;
    await teller.look();
    if (house.receiver.received.length > before) lastMs = house.cellar.clock();
    house.cellar.advance(MINUTE_MS);
  }
  assert.equal(house.receiver.received.length, 12);
  const hours = (lastMs - beganMs) / 3600_000;
  assert.ok(hours > 15 && hours < 18, `${hours}`);
  assert.equal(house.lines.filter((line) => line.startsWith('error a notice was given up')).length, 1);
  house.receiver.answer = (res) => void res.writeHead(200).end();
  house.leave(DAY_MS);
  await teller.look();
  assert.equal(toldIds(house).at(-1), 'certificate-expiring/86400');
});

test('another URL is asked at once for what nobody took, and not for what was delivered', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  house.receiver.answer = refuse(500);
  await teller.look();
  house.receiver.answer = (res) => void res.writeHead(200).end();
  house.url = `${house.receiver.origin}/other`;
  await teller.look();
  house.url = `${house.receiver.origin}/third`;
  await teller.look();
  await house.process().look();
  assert.deepEqual(
    house.receiver.received.map(({ url }) => url),
    ['/hooks/path-canary?token=query-canary', '/other'],
  );
});

test('a receiver that is away is not asked for each notice of one look', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.certificates = ['01', '02', '03'].map((byte) =>
    view({ name: byte, fingerprint256: Array(32).fill(byte).join(':') }),
  );
  house.leave(6 * DAY_MS);
  house.receiver.answer = refuse(503);
  await teller.look();
  assert.equal(house.receiver.received.length, 1);
  house.receiver.answer = (res) => void res.writeHead(200).end();
  await teller.look();
  assert.equal(house.receiver.received.length, 3, 'the other two');
  house.cellar.advance(MINUTE_MS);
  await teller.look();
  assert.equal(new Set(toldIds(house)).size, 1);
  assert.equal(house.outcomes.filter((outcome) => outcome === 'delivered').length, 3);
});

test('what is rotated away is not told of any more, and its successor is another matter', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  house.receiver.answer = refuse(500);
  await teller.look();
  house.receiver.answer = (res) => void res.writeHead(200).end();
  house.certificates = [view({ fingerprint256: Array(32).fill('CD').join(':') })];
  house.cellar.advance(3600_000);
  await teller.look();
  await teller.look();
  const told = house.receiver.bodies().map(({ id }) => String(id).split('/')[1]?.slice(0, 2));
  assert.deepEqual(told, ['ab', 'cd']);
});

test('while the state is away nothing is sent, at debug, and all of it later', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  house.cellar.cut(true);
  await teller.look();
  assert.equal(house.receiver.received.length, 0);
  assert.match(
    house.lines.join('\n'),
    /^debug notices about certificates have to wait .*SP_STATE_UNREACHABLE/,
  );
  house.cellar.cut(false);
  await teller.look();
  assert.equal(house.receiver.received.length, 1);
});

test('the claim of a process that died is taken over when it ends', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  const id = `webhook/certificate-expiring/${'ab'.repeat(32)}/604800`;
  assert.ok(await house.cellar.store.leases.acquire(id, 'a process that died', 30_000));
  await teller.look();
  assert.equal(house.receiver.received.length, 0);
  house.cellar.advance(31_000);
  await teller.look();
  assert.equal(house.receiver.received.length, 1);
});

test('an order that failed is told once a day with the words of the log', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  const fail = (detail: string): void => {
    const atMs = house.cellar.clock();
    house.failures = [
      { name: 'a.test', names: ['a.test'], reason: 'challenge', detail, atMs, againAtMs: atMs + 60_000 },
    ];
  };
  fail('the CA did not accept a.test by http-01: connection');
  await teller.look();
  fail('the CA did not accept a.test by http-01: dns');
  await teller.look();
  house.cellar.advance(DAY_MS);
  await teller.look();
  fail('the CA cannot be reached');
  await teller.look();
  assert.deepEqual(
    house.receiver.bodies().map(({ event, order }) => [event, JSON.stringify(order).includes('by http-01')]),
    [
      ['certificate-order-failed', true],
      ['certificate-order-failed', false],
    ],
  );
});

test('the signature proves time and body, whoever sends', async (t) => {
  const house = await openTellerHouse(t);
  house.leave(6 * DAY_MS);
  await house.process().look();
  const [got] = house.receiver.received;
  const seconds = Math.floor(house.cellar.clock() / 1000);
  const mac = createHmac('sha256', 'a secret-canary of the test').update(`${seconds}.${got?.body}`);
  assert.equal(got?.headers['x-sallyport-signature'], `t=${seconds},v1=${mac.digest('hex')}`);
});

test('the log names the host alone: no path, no query, no secret, no answer', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  for (const status of [500, 302, 200]) {
    house.receiver.answer = refuse(status);
    await teller.look();
    house.cellar.advance(DAY_MS / 8);
  }
  house.leave(DAY_MS);
  await house.receiver.close();
  await teller.look();
  const log = house.lines.join('\n');
  assert.ok(log.includes(`localhost:${house.receiver.port}`), log);
  assert.doesNotMatch(log, /canary|hooks|a\.test/);
  const kept = await house.cellar.store.records.get(`webhook/certificate-expiring/${'ab'.repeat(32)}/604800`);
  assert.doesNotMatch(Buffer.from(kept?.value ?? []).toString(), /canary|hooks|localhost/);
});

test('without a webhook nothing is done, and one that is configured later tells at the next look', async (t) => {
  const house = await openTellerHouse(t);
  const teller = house.process();
  house.leave(6 * DAY_MS);
  const wanted = house.expiryMs;
  house.expiryMs = undefined;
  await teller.look();
  assert.equal(house.receiver.received.length, 0);
  house.expiryMs = wanted;
  await teller.look();
  assert.equal(house.receiver.received.length, 1);
});

test('it looks by itself, and close ends that and gives back a claim that is under way', async (t) => {
  const house = await openTellerHouse(t);
  house.leave(6 * DAY_MS);
  const teller = house.process(house.cellar.store, 20);
  const asked = Promise.withResolvers<void>();
  house.receiver.answer = () => asked.resolve();
  teller.start();
  await asked.promise;
  await teller.close();
  await teller.close();
  teller.start();
  house.receiver.answer = (res) => void res.writeHead(200).end();
  house.certificates.push(view({ name: 'other', fingerprint256: Array(32).fill('EF').join(':') }));
  await sleep(80);
  assert.equal(house.receiver.received.length, 1, 'nothing happens after the end');
  assert.deepEqual(house.outcomes, [], 'what was given up counts as nothing');
  await house.process().look();
  assert.equal(house.receiver.received.length, 3, 'another process goes on at once');
});
