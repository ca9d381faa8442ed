import assert from 'node:assert/strict';
import { hostname } from 'node:os';
import { type TestContext, test } from 'node:test';
import { Participant } from '../../../../src/certificates/rotation/participant.ts';
import { Roster } from '../../../../src/certificates/rotation/roster.ts';
import { Rotation, type RotationStep } from '../../../../src/certificates/rotation/rotation.ts';
import { StageRecords } from '../../../../src/certificates/rotation/stage-records.ts';
import { GatewayError } from '../../../../src/errors.ts';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { makeSealer } from '../../../../src/lib/seal.ts';
import { Secret } from '../../../../src/lib/secret.ts';
import { Notices } from '../../../../src/state/notices.ts';
import type { Leases } from '../../../../src/state/store.ts';
import { type House, house } from '../../../fixtures/certificates/house.ts';

const PAIR = { certificate: 'a chain', key: new Secret('a key canary') };
const ORDER = {
  name: 'site',
  pair: PAIR,
  fingerprint256: 'AA',
  before: undefined,
  cause: 'upload',
  claims: false,
} as const;
const logger = silentLogger;

/** A process on the house's state that leads rotations, and takes part in those of others. */
async function process(
  t: TestContext,
  { store, leases = store.leases }: Pick<House, 'store'> & { readonly leases?: Leases },
  attempt: () => Promise<string>,
  base?: string,
) {
  const notices = new Notices({ store, logger });
  await notices.start();
  const roster = new Roster({ records: store.records, logger });
  await roster.start();
  const records = new StageRecords({ records: store.records, sealer: makeSealer(Buffer.alloc(32, 7)) });
  const settled: string[] = [];
  const participant = new Participant({
    self: roster.self,
    records,
    notices,
    isReady: () => true,
    attempt,
    baseOf: () => base,
    settle: async (name) => void settled.push(name),
    settled: () => undefined,
    logger,
  });
  participant.start();
  const steps: RotationStep[] = [];
  const onStep = (step: RotationStep): void => void steps.push(step);
  const rotation = new Rotation({ roster, leases, records, notices, attempt, onStep });
  t.after(async () => {
    participant.close();
    notices.close();
    await roster.close();
  });
  return { roster, rotation, records, settled, steps };
}

const good = async (): Promise<string> => 'AA';

test('a rotation is committed when every process that lives has confirmed it, and each is named', async (t) => {
  const h = await house(t);
  const [one, two] = [await process(t, h, good), await process(t, h, good)];
  const by = await one.rotation.run(ORDER, async (confirmation) => confirmation);
  assert.deepEqual(by, { confirmedBy: [one.roster.self, two.roster.self].sort(), missing: [], bases: [] });
  assert.deepEqual(
    one.steps.map(({ step }) => step),
    ['staged', 'confirmed', 'committed'],
  );
  assert.equal(await one.records.present('site'), undefined);
});

test('one process that cannot serve the pair stops the rotation, is named with the reason, and nothing is committed', async (t) => {
  const h = await house(t);
  const one = await process(t, h, good);
  const two = await process(t, h, async () => {
    throw new GatewayError('SP_CERTIFICATE_INVALID', {
      problems: ['preset-conflict: not under this preset.'],
    });
  });
  let committed = false;
  const run = one.rotation.run(ORDER, async () => {
    committed = true;
  });
  await assert.rejects(run, (error: GatewayError) => {
    assert.equal(error.code, 'SP_CERTIFICATE_UNCONFIRMED');
    assert.deepEqual(error.problems, [`${two.roster.self}: preset-conflict: not under this preset.`]);
    return true;
  });
  assert.equal(committed, false);
  assert.equal(one.steps.at(-1)?.step, 'abandoned');
  assert.equal(await one.records.present('site'), undefined);
  // The lease is free again.
  await assert.rejects(one.rotation.run(ORDER, good), { code: 'SP_CERTIFICATE_UNCONFIRMED' });
});

test('while a rotation is under way another of the same certificate is a conflict, and of another one is not', async (t) => {
  const h = await house(t);
  const [one, two] = [await process(t, h, good), await process(t, h, good)];
  await one.rotation.run(ORDER, async () => {
    await assert.rejects(two.rotation.run(ORDER, good), { code: 'SP_CERTIFICATE_CONFLICT' });
    assert.equal(await two.rotation.run({ ...ORDER, name: 'other' }, good), 'AA');
  });
});

test('a staged key is sealed, and who takes part reads what counts when the stage is gone', async (t) => {
  const h = await house(t);
  const [one, two] = [await process(t, h, good), await process(t, h, good)];
  await one.rotation.run(ORDER, async () => {
    const stage = await h.store.records.get('certificate-stage/site');
    assert.ok(stage !== undefined && !Buffer.from(stage.value).toString().includes('canary'));
  });
  const end = Date.now() + 2_000;
  while (!two.settled.includes('site')) {
    assert.ok(Date.now() < end);
    await new Promise((done) => setTimeout(done, 10));
  }
});

test('a process that went without taking leave is named as missing, and one that took leave is not', async (t) => {
  const h = await house(t);
  const one = await process(t, h, good);
  const gone = new Roster({ records: h.store.records, logger });
  await gone.start();
  await gone.close();
  const killed = new Roster({ records: h.store.records, logger });
  await killed.start();
  t.after(() => killed.close());
  await h.store.records.delete(`process/${killed.self}`);
  const by = await one.rotation.run(ORDER, async (confirmation) => confirmation);
  assert.deepEqual(by, { confirmedBy: [one.roster.self], missing: [killed.self], bases: [] });
  assert.deepEqual(one.steps.at(-1)?.missing, [killed.self]);
});

test('who leads and has lost the lease commits nothing, and leaves the stage of the other alone', async (t) => {
  const h = await house(t);
  let isLost = false;
  const leases: Leases = {
    acquire: (...args) => h.store.leases.acquire(...args),
    release: (lease) => h.store.leases.release(lease),
    renew: async () => false,
  };
  const slow = async (): Promise<string> => {
    // Longer than the first renewal.
    await new Promise((done) => setTimeout(done, 4_200));
    await two.records.put({ ...ORDER, rotation: 'of the other', by: two.roster.self, watched: true });
    isLost = true;
    return 'AA';
  };
  const one = await process(t, { store: h.store, leases }, slow);
  const two = await process(t, h, good);
  await assert.rejects(one.rotation.run(ORDER, good), { code: 'SP_CERTIFICATE_CONFLICT' });
  assert.ok(isLost);
  assert.equal(await two.records.present('site'), 'of the other');
});

test('what the configurations of the others give is told to who commits', async (t) => {
  const h = await house(t);
  const one = await process(t, h, good, 'of one');
  await process(t, h, good, 'of two');
  await process(t, h, good);
  const { bases } = await one.rotation.run(ORDER, async (confirmation) => confirmation);
  assert.deepEqual(bases, ['of two']);
});

test('a process takes leave for the dead of its machine, and for nobody else', async (t) => {
  const { store } = await house(t);
  const ids = [`${hostname()}:999999999:dead`, 'elsewhere:999999999:dead', `${hostname()}:1:alive`];
  for (const id of ids) {
    await store.records.put(`process-seen/${id}`, Buffer.from('{}'), { indexes: ['processes-seen'] });
  }
  const roster = new Roster({ records: store.records, logger });
  await roster.start();
  t.after(() => roster.close());
  assert.deepEqual(await roster.missing(), ids.slice(1).sort());
});
