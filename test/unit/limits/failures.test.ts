import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { canonicalName } from '../../../src/accounts/account-name.ts';
import type { Logger } from '../../../src/lib/logger.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { type Attempt, FailureCounter } from '../../../src/limits/failures.ts';
import type { Store } from '../../../src/state/store.ts';
import { listeningLogger, openCellar } from '../../support/cellar.ts';

const HOME = '192.0.2.1';
const AWAY = '198.51.100.1';
const anna = { user: 'anna', address: HOME };

function open(t: TestContext, logger: Logger = silentLogger) {
  const cellar = openCellar(t);
  const at = (store: Store) => new FailureCounter({ store, clock: cellar.clock, logger, canonicalName });
  return { ...cellar, at, failures: at(cellar.store) };
}

async function fail(failures: FailureCounter, attempt: Attempt, times: number): Promise<void> {
  for (let count = 0; count < times; count += 1) await failures.failed(attempt);
}

async function waitOf(failures: FailureCounter, attempt: Attempt): Promise<number> {
  return (await failures.check(attempt)).waitMs;
}

test('five failures are free, each further one doubles the wait from a second to five minutes', async (t) => {
  const { failures, advance } = open(t);
  const waits: number[] = [];
  for (let count = 1; count <= 16; count += 1) {
    await failures.failed(anna);
    const waitMs = await waitOf(failures, anna);
    waits.push(waitMs / 1000);
    advance(waitMs);
    assert.equal(await waitOf(failures, anna), 0);
  }
  assert.deepEqual(waits, [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
});

test('the wait shrinks with the clock and attempts during it are not counted', async (t) => {
  const { failures, advance } = open(t);
  await fail(failures, anna, 8);
  assert.equal(await waitOf(failures, anna), 4_000);
  advance(1_500);
  for (let count = 0; count < 20; count += 1) assert.equal(await waitOf(failures, anna), 2_500);
});

test('failures are forgotten an hour after the first', async (t) => {
  const { failures, advance } = open(t);
  await fail(failures, anna, 20);
  advance(60 * 60_000);
  assert.equal(await waitOf(failures, anna), 0);
  await fail(failures, anna, 5);
  assert.equal(await waitOf(failures, anna), 0);
});

test('every spelling of a name has one budget', async (t) => {
  const { failures } = open(t);
  const spellings = ['anna', 'ANNA', ' Anna ', 'ａｎｎａ', 'aNna', 'annA'];
  for (const [index, user] of spellings.entries())
    await failures.failed({ user, address: `192.0.2.${index}` });
  assert.equal(await waitOf(failures, { user: 'anna', address: AWAY }), 1_000);
});

test('many addresses guessing one user are slowed, other users are not', async (t) => {
  const { failures } = open(t);
  for (let host = 0; host < 10; host += 1)
    await failures.failed({ user: 'anna', address: `198.51.100.${host}` });
  assert.equal(await waitOf(failures, anna), 16_000);
  assert.equal(await waitOf(failures, { user: 'bert', address: HOME }), 0);
});

test('one address guessing many users is slowed, others are not', async (t) => {
  const { failures } = open(t);
  for (let index = 0; index < 20; index += 1) await failures.failed({ user: `u${index}`, address: AWAY });
  assert.equal(await waitOf(failures, { user: 'anna', address: AWAY }), 0, 'an office may mistype');
  for (let index = 20; index < 25; index += 1) await failures.failed({ user: `u${index}`, address: AWAY });
  assert.equal(await waitOf(failures, { user: 'anna', address: AWAY }), 16_000);
  assert.equal(await waitOf(failures, { user: 'anna', address: HOME }), 0);
});

test('all of an IPv6 /64 is one address, and a mapped IPv4 address is that address', async (t) => {
  const { failures } = open(t);
  for (let host = 1; host <= 21; host += 1)
    await failures.failed({ user: `u${host}`, address: `2001:db8::${host.toString(16)}` });
  assert.equal(await waitOf(failures, { user: 'anna', address: '2001:db8::ffff' }), 1_000);
  assert.equal(await waitOf(failures, { user: 'anna', address: '2001:db8:0:1::1' }), 0);
  for (let index = 1; index <= 21; index += 1)
    await failures.failed({ user: `v${index}`, address: `::ffff:${AWAY}` });
  assert.equal(await waitOf(failures, { user: 'anna', address: AWAY }), 1_000);
});

test('nobody keeps a user out from where they signed in before', async (t) => {
  const { failures } = open(t);
  await failures.succeeded(anna);
  for (let count = 0; count < 30; count += 1) {
    await failures.failed({ user: 'anna', address: `198.51.100.${count}` });
    await failures.failed({ user: `u${count}`, address: HOME });
  }
  assert.equal(await waitOf(failures, anna), 0);
  assert.equal(await waitOf(failures, { user: 'anna', address: '203.0.113.1' }), 300_000);
});

test('a known pair has its own growing wait, which a success ends', async (t) => {
  const { failures, advance } = open(t);
  await failures.succeeded(anna);
  await fail(failures, anna, 7);
  assert.equal(await waitOf(failures, anna), 2_000);
  assert.equal(await waitOf(failures, { user: 'anna', address: AWAY }), 0, 'they do not count elsewhere');
  advance(2_000);
  assert.deepEqual(await failures.succeeded(anna), { waitMs: 0 });
  await fail(failures, anna, 5);
  assert.equal(await waitOf(failures, anna), 0);
});

test('a guesser does not refresh the budget of the address with an account of their own', async (t) => {
  const { failures, advance } = open(t);
  const mallory = { user: 'mallory', address: AWAY };
  for (let round = 0; round < 10; round += 1) {
    await failures.failed({ user: 'anna', address: AWAY });
    await failures.succeeded(mallory);
  }
  assert.equal(await waitOf(failures, { user: 'anna', address: AWAY }), 16_000);
  advance(16_000);
  assert.equal(await waitOf(failures, mallory), 0);
});

test('of many guesses sent at once the right one does not count when the others used the budget up', async (t) => {
  const { failures } = open(t);
  const waits = await Promise.all(Array.from({ length: 50 }, () => waitOf(failures, anna)));
  assert.ok(waits.every((waitMs) => waitMs === 0));
  await Promise.all(Array.from({ length: 49 }, () => failures.failed(anna)));
  assert.equal((await failures.succeeded(anna)).waitMs, 300_000);
  assert.equal(await waitOf(failures, anna), 300_000, 'and the pair is not known by it');
});

test('failures count in every process', async (t) => {
  const { failures, another, at } = open(t);
  await fail(failures, anna, 6);
  assert.equal(await waitOf(at((await another()).store), anna), 1_000);
});

test('while the state is away this process counts by itself and warns once', async (t) => {
  const logger = listeningLogger();
  const { failures, cut, advance } = open(t, logger);
  cut(true);
  await fail(failures, anna, 7);
  assert.equal(await waitOf(failures, anna), 2_000);
  advance(2_000);
  assert.equal(await waitOf(failures, anna), 0);
  await failures.succeeded(anna);
  assert.equal(logger.lines.length, 1);
  assert.ok(!logger.lines.join().includes('anna'));
  cut(false);
  await fail(failures, { user: 'bert', address: AWAY }, 6);
  assert.equal(await waitOf(failures, { user: 'bert', address: AWAY }), 1_000);
  cut(true);
  await failures.check(anna);
  assert.equal(logger.lines.length, 2);
});

test('names and addresses that are none share a budget and break nothing', async (t) => {
  const { failures } = open(t);
  for (const user of ['', '\0', 'a:b', '\ud800', 'x'.repeat(1e5), '\u202e']) {
    await failures.failed({ user, address: 'nonsense' });
  }
  assert.equal(await waitOf(failures, { user: ':', address: '' }), 1_000);
});

test('where nobody says a name only the address is counted, and a success there refreshes nothing', async (t) => {
  const { failures } = open(t);
  const nameless = { user: undefined, address: AWAY };
  await fail(failures, nameless, 100);
  const waitMs = await waitOf(failures, nameless);
  assert.ok(waitMs > 0);
  await failures.succeeded(nameless);
  assert.equal(await waitOf(failures, nameless), waitMs);
  assert.equal(await waitOf(failures, { user: undefined, address: HOME }), 0);
  assert.equal(await waitOf(failures, anna), 0);
});
