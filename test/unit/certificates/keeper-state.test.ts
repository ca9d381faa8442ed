import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GatewayError } from '../../../src/errors.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { Notices } from '../../../src/state/notices.ts';
import { fileConfig, house, until } from '../../fixtures/certificates/house.ts';
import { fingerprint, fresh, refused, serving, upload } from '../../fixtures/certificates/uploads.ts';

test('keys are sealed in the state and never readable, and another key is told', async (t) => {
  const h = await house(t);
  const keeper = await h.open([]);
  const b = fresh();
  await keeper.rotate('site', upload(b));
  const record = await h.store.records.get('certificate/site');
  const raw = Buffer.from(record?.value ?? []).toString();
  assert.ok(!raw.includes('PRIVATE'));
  assert.ok(!raw.includes(b.keyPem.split('\n')[1] ?? ''));
  assert.ok(!JSON.stringify(h.log).includes('PRIVATE'));
  const stranger = await h.open([], { sealer: makeSealer(Buffer.alloc(32, 8)) });
  assert.deepEqual(stranger.list(), []);
  assert.ok(h.log.some(({ level, fields }) => level === 'error' && fields.code === 'SP_STATE_KEY'));
  const next = fresh();
  await stranger.rotate('site', upload(next));
  assert.equal(serving(stranger), fingerprint(next));
});

test('a key moved to another record does not open', async (t) => {
  const h = await house(t);
  await (await h.open([])).rotate('site', upload(fresh()));
  const record = await h.store.records.get('certificate/site');
  await h.store.records.put('certificate/moved', record?.value ?? Buffer.alloc(0), {
    indexes: ['certificates'],
  });
  await h.store.records.put('certificate/garbage', Buffer.from('{]'), { indexes: ['certificates'] });
  const keeper = await h.open([]);
  assert.deepEqual(
    keeper.list().map(({ name }) => name),
    ['site'],
  );
  assert.equal(h.log.filter(({ fields }) => fields.code === 'SP_STATE_CORRUPT').length, 2);
});

test('of rotations at once one wins and the others are conflicts, and so is one that another process was faster than', async (t) => {
  const h = await house(t);
  const keeper = await h.open([]);
  const pairs = [fresh(), fresh(), fresh()];
  const results = await Promise.allSettled(pairs.map((pair) => keeper.rotate('site', upload(pair))));
  assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
  for (const result of results) {
    if (result.status === 'rejected') assert.equal(result.reason.code, 'SP_CERTIFICATE_CONFLICT');
    else assert.equal(serving(keeper), result.value.fingerprint256);
  }
  const { records } = h.store;
  const racing = await h.open([], {
    records: {
      ...records,
      get: async (key) => {
        const record = await records.get(key);
        await keeper.rotate('site', upload(fresh()));
        return record;
      },
      put: (key, value, options) => records.put(key, value, options),
      list: (index, options) => records.list(index, options),
      delete: (key, options) => records.delete(key, options),
    },
  });
  const before = serving(racing);
  await refused(racing.rotate('site', upload(fresh())), 'SP_CERTIFICATE_CONFLICT');
  assert.equal(serving(racing), before);
});

test('other processes serve a rotation, a rollback and a removal as soon as they hear of it', async (t) => {
  const h = await house(t);
  const notices = async (): Promise<Notices> => {
    const made = new Notices({ store: h.store, logger: silentLogger });
    await made.start();
    t.after(() => made.close());
    return made;
  };
  const configs = [await fileConfig(h.folder, 'site', fresh())];
  const [one, two] = [
    await h.open(configs, { notices: await notices() }),
    await h.open(configs, { notices: await notices() }),
  ];
  const original = serving(two);
  const [a, b] = [fresh(), fresh()];
  await one.rotate('site', upload(a));
  await one.rotate('site', upload(b));
  await until(() => serving(two) === fingerprint(b));
  assert.equal((await two.rollback('site')).previous, fingerprint(b));
  await until(() => serving(one) === fingerprint(a));
  await two.remove('site');
  await until(() => serving(one) === original);
});

test('an unreachable state does not keep files from being served, and refuses rotation', async (t) => {
  const h = await house(t);
  const a = fresh();
  const down = (): Promise<never> => Promise.reject(new GatewayError('SP_STATE_UNREACHABLE'));
  const records = { get: down, put: down, list: down, delete: down };
  const keeper = await h.open([await fileConfig(h.folder, 'site', a)], { records });
  assert.equal(serving(keeper), fingerprint(a));
  await refused(keeper.rotate('site', upload(fresh())), 'SP_STATE_UNREACHABLE');
  assert.equal(serving(keeper), fingerprint(a));
});

test('an upload that the state has lost is served on while hosts need it, is told once, and can be uploaded again', async (t) => {
  const h = await house(t);
  const notices = new Notices({ store: h.store, logger: silentLogger });
  await notices.start();
  t.after(() => notices.close());
  const hostsOf = (name: string): readonly string[] => (name === 'api' ? ['api.example.com'] : []);
  const keeper = await h.open([], { notices, hostsOf });
  const pair = fresh(['api.example.com']);
  await keeper.rotate('api', upload(pair));
  await keeper.rotate('unused', upload(fresh(['unused.example.com'])));
  await h.store.records.delete('certificate/api');
  await h.store.records.delete('certificate/unused');
  for (const name of ['api', 'api', 'unused']) await notices.publish({ kind: 'certificate-changed', name });
  await until(() => serving(keeper, 'unused') === undefined);
  assert.equal(serving(keeper, 'api'), fingerprint(pair));
  assert.equal(h.log.filter(({ message }) => message.startsWith('the state has lost')).length, 1);
  await keeper.rotate('api', upload(pair));
  assert.equal(serving(await h.open([]), 'api'), fingerprint(pair));
});
