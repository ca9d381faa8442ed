import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { silentLogger } from '../../../src/lib/logger.ts';
import { Revocations } from '../../../src/sessions/revocations.ts';
import type { Notices } from '../../../src/state/notices.ts';
import type { Store } from '../../../src/state/store.ts';
import { openCellar, until } from '../../support/cellar.ts';

const NOW = 1_800_000_000;
const HOUR = 3_600;
const token = (jti: string) => ({ jti, subject: undefined, issuedAtSec: NOW });
const issued = (issuedAtSec: number | undefined) => ({ jti: undefined, subject: 'anna', issuedAtSec });

function open(t: TestContext) {
  const cellar = openCellar(t);
  const furnish = async ({ store, notices }: { store: Store; notices: Notices }) => {
    const revocations = new Revocations({ store, notices, clock: cellar.clock, logger: silentLogger });
    t.after(() => revocations.close());
    await notices.start();
    await revocations.start();
    return revocations;
  };
  return { ...cellar, furnish, elsewhere: async () => furnish(await cellar.another()) };
}

test('a revoked token counts at once here and soon in every process', async (t) => {
  const { furnish, elsewhere, ...cellar } = open(t);
  const [here, there] = [await furnish(cellar), await elsewhere()];
  await here.revokeToken('j', NOW + HOUR);
  assert.equal(here.isRevoked(token('j')), true);
  assert.equal(here.isRevoked(token('k')), false);
  assert.equal(here.isRevoked(issued(NOW)), false);
  await until(() => there.isRevoked(token('j')));
});

test('a process that starts later knows what was revoked before', async (t) => {
  const { furnish, elsewhere, ...cellar } = open(t);
  const here = await furnish(cellar);
  await here.revokeToken('j', NOW + HOUR);
  await here.revokeSubject('anna');
  const there = await elsewhere();
  assert.equal(there.ready, true);
  assert.equal(there.isRevoked(token('j')), true);
  assert.equal(there.isRevoked(issued(NOW)), true);
});

test('a revocation is forgotten some minutes after its token ended, in memory and in the state', async (t) => {
  const { furnish, advance, ...cellar } = open(t);
  const here = await furnish(cellar);
  await here.revokeToken('j', NOW + HOUR);
  advance(HOUR * 1000 + 60_000);
  assert.equal(here.isRevoked(token('j')), true, 'clocks of verifiers differ');
  advance(5 * 60_000);
  assert.equal(here.isRevoked(token('j')), false);
  assert.deepEqual((await cellar.store.records.list('revocations')).records, []);
});

test('tokens of a subject issued before the time are revoked, those after it are not', async (t) => {
  const { furnish, ...cellar } = open(t);
  const here = await furnish(cellar);
  await here.revokeSubject('anna', NOW);
  assert.equal(here.isRevoked(issued(NOW - 1)), true);
  assert.equal(here.isRevoked(issued(NOW)), false);
  assert.equal(here.isRevoked({ ...issued(NOW - 1), subject: 'bert' }), false);
});

test('a token that does not say when it was issued counts as issued before', async (t) => {
  const { furnish, ...cellar } = open(t);
  const here = await furnish(cellar);
  await here.revokeSubject('anna', NOW);
  assert.equal(here.isRevoked(issued(undefined)), true);
});

test('without a time, everything issued up to this second is revoked', async (t) => {
  const { furnish, advance, ...cellar } = open(t);
  const here = await furnish(cellar);
  advance(900);
  await here.revokeSubject('anna');
  assert.equal(here.isRevoked(issued(NOW)), true);
  assert.equal(here.isRevoked(issued(NOW + 1)), false);
});

test('an earlier time never undoes a later one', async (t) => {
  const { furnish, elsewhere, ...cellar } = open(t);
  const here = await furnish(cellar);
  await here.revokeSubject('anna', NOW);
  await here.revokeSubject('anna', NOW - HOUR);
  const there = await elsewhere();
  for (const revocations of [here, there]) assert.equal(revocations.isRevoked(issued(NOW - 1)), true);
});

test('an unreachable state at the start is read later, by itself', async (t) => {
  const { furnish, elsewhere, cut, ...cellar } = open(t);
  await (await elsewhere()).revokeToken('j', NOW + HOUR);
  cut(true);
  const here = await furnish(cellar);
  assert.equal(here.ready, false);
  cut(false);
  await until(() => here.ready);
  assert.equal(here.isRevoked(token('j')), true);
});

test('a revocation that could not be stored is an error and claims nothing', async (t) => {
  const { furnish, cut, ...cellar } = open(t);
  const here = await furnish(cellar);
  cut(true);
  await assert.rejects(here.revokeToken('j', NOW + HOUR), { code: 'SP_STATE_UNREACHABLE' });
  await assert.rejects(here.revokeSubject('anna'), { code: 'SP_STATE_UNREACHABLE' });
  assert.equal(here.isRevoked(token('j')), false);
});

test('garbage records are left out, the others count', async (t) => {
  const { furnish, elsewhere, ...cellar } = open(t);
  await (await furnish(cellar)).revokeToken('j', NOW + HOUR);
  for (const [index, text] of ['', '{}', '{"kind":"token"}', '\xff'].entries()) {
    await cellar.store.records.put(`g${index}`, Buffer.from(text, 'latin1'), { indexes: ['revocations'] });
  }
  const there = await elsewhere();
  assert.equal(there.ready, true);
  assert.equal(there.isRevoked(token('j')), true);
});

test('orders that mean nothing, or milliseconds, are refused', async (t) => {
  const { furnish, ...cellar } = open(t);
  const here = await furnish(cellar);
  const bad = { code: 'SP_ADMIN_BAD_REQUEST' };
  await assert.rejects(here.revokeToken(''), bad);
  await assert.rejects(here.revokeToken('x'.repeat(1025)), bad);
  await assert.rejects(here.revokeToken('x', Number.NaN), bad);
  await assert.rejects(here.revokeSubject(''), bad);
  await assert.rejects(here.revokeSubject('anna', NOW * 1000), bad);
  await assert.rejects(here.revokeSubject('anna', -1), bad);
});

test('a token far in the future is remembered for the longest keeping time only', async (t) => {
  const { furnish, advance, ...cellar } = open(t);
  const here = await furnish(cellar);
  await here.revokeToken('j', 253_402_300_799);
  advance(91 * 24 * HOUR * 1000);
  assert.equal(here.isRevoked(token('j')), false);
});
