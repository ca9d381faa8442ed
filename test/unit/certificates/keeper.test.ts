import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { Keeper } from '../../../src/certificates/keeper.ts';
import { type ErrorCode, GatewayError } from '../../../src/errors.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { Notices } from '../../../src/state/notices.ts';
import { fileConfig, house, until, uploadedConfig } from '../../fixtures/certificates/house.ts';
import { authority, days, type Leaf, leaf, rsaKey } from '../../fixtures/certificates/pki.ts';

const root = authority('Root');
const NAMES = ['www.example.com'];

function fresh(names: readonly string[] = NAMES, extra: Parameters<typeof leaf>[2] = {}): Leaf {
  return leaf(root, names, extra);
}

function upload(pair: Leaf): { certificate: string; key: string } {
  return { certificate: pair.certificate, key: pair.keyPem };
}

function fingerprint(pair: Leaf): string {
  return new X509Certificate(pair.certificate).fingerprint256;
}

function serving(keeper: Keeper, name = 'site'): string | undefined {
  return keeper.list().find((view) => view.name === name)?.fingerprint256;
}

async function refused(work: Promise<unknown>, code: ErrorCode, pattern = /./): Promise<void> {
  await assert.rejects(work, (error) => {
    assert.ok(error instanceof GatewayError, String(error));
    assert.equal(error.code, code);
    assert.match([...error.problems, error.title].join('\n'), pattern);
    return true;
  });
}

test('a rotation is served, listed, kept over a restart, and remembers the pair before it', async (t) => {
  const h = await house(t);
  const [a, b] = [fresh(), fresh()];
  const configs = [await fileConfig(h.folder, 'site', a)];
  const keeper = await h.open(configs);
  const changes: string[] = [];
  keeper.onChange((name) => changes.push(name));
  assert.deepEqual(await keeper.rotate('site', upload(b)), {
    name: 'site',
    fingerprint256: fingerprint(b),
    previous: fingerprint(a),
    confirmedBy: ['test'],
    missing: [],
  });
  assert.deepEqual(changes, ['site']);
  const [view] = keeper.list();
  assert.deepEqual(
    [view?.fingerprint256, view?.source, view?.keyType],
    [fingerprint(b), 'uploaded', 'ECDSA P-256'],
  );
  assert.equal(serving(await h.open(configs)), fingerprint(b));
});

test('the same pair again changes nothing', async (t) => {
  const h = await house(t);
  const [a, b] = [fresh(), fresh()];
  const keeper = await h.open([await fileConfig(h.folder, 'site', a)]);
  const first = await keeper.rotate('site', upload(b));
  const record = await h.store.records.get('certificate/site');
  assert.deepEqual(await keeper.rotate('site', upload(b)), first);
  assert.equal((await h.store.records.get('certificate/site'))?.version, record?.version);
});

test('a bad upload is refused with every problem and the old pair is served', async (t) => {
  const h = await house(t);
  const a = fresh();
  const keeper = await h.open([await fileConfig(h.folder, 'site', a)], { hostsOf: () => NAMES });
  const bad = fresh(['other.example.com'], { hash: 'sha1', notAfterMs: h.now - 1 });
  await refused(
    keeper.rotate('site', { certificate: bad.certificate, key: fresh().keyPem }),
    'SP_CERTIFICATE_INVALID',
    /key-mismatch: .*[\s\S]*names-uncovered: .*[\s\S]*expired: .*[\s\S]*signature-weak: /,
  );
  await refused(keeper.rotate('site', { pkcs12: 'AAAA' }), 'SP_CERTIFICATE_INVALID', /pkcs12-unreadable/);
  assert.equal(serving(keeper), fingerprint(a));
  assert.equal(await h.store.records.get('certificate/site'), undefined);
});

test('a rollback serves the previous pair, a second one undoes it', async (t) => {
  const h = await house(t);
  const [a, b] = [fresh(), fresh()];
  const keeper = await h.open([await fileConfig(h.folder, 'site', a)]);
  await refused(keeper.rollback('site'), 'SP_CERTIFICATE_NO_PREVIOUS');
  await refused(keeper.rollback('other'), 'SP_CERTIFICATE_UNKNOWN');
  await keeper.rotate('site', upload(b));
  assert.equal((await keeper.rollback('site')).fingerprint256, fingerprint(a));
  assert.equal(serving(keeper), fingerprint(a));
  const undone = await keeper.rollback('site');
  assert.deepEqual([undone.fingerprint256, undone.previous], [fingerprint(b), fingerprint(a)]);
});

test('a rollback to a pair that has expired is refused', async (t) => {
  const h = await house(t);
  const keeper = await h.open([]);
  const b = fresh();
  await keeper.rotate('site', upload(fresh(NAMES, { notAfterMs: h.now + days(1) })));
  await keeper.rotate('site', upload(b));
  h.now += days(2);
  await refused(keeper.rollback('site'), 'SP_CERTIFICATE_INVALID', /expired/);
  assert.equal(serving(keeper), fingerprint(b));
});

test('an unknown name is accepted if its host names are free, and removed again', async (t) => {
  const h = await house(t);
  const keeper = await h.open([await fileConfig(h.folder, 'site', fresh())]);
  await refused(
    keeper.rotate('second', upload(fresh())),
    'SP_CERTIFICATE_INVALID',
    /name-taken: www\.example\.com .* site/,
  );
  const rsa = fresh(NAMES, { key: rsaKey() });
  await keeper.rotate('second', upload(rsa));
  assert.deepEqual(keeper.find('www.example.com')?.certificates, ['site', 'second']);
  await keeper.rotate('third', upload(fresh(['third.example.com'])));
  await keeper.remove('third');
  assert.equal(keeper.find('third.example.com'), undefined);
  await refused(keeper.remove('third'), 'SP_CERTIFICATE_UNKNOWN');
  for (const name of ['', '../x', 'A', 'a b', 'x'.repeat(65)]) {
    await refused(
      keeper.rotate(name, upload(fresh(['x.example.com']))),
      'SP_CERTIFICATE_INVALID',
      /certificate-name/,
    );
  }
});

test('removing an upload brings back what the configuration gives, and leaves no route without a certificate', async (t) => {
  const h = await house(t);
  const a = fresh();
  const configs = [await fileConfig(h.folder, 'site', a), uploadedConfig('api')];
  const keeper = await h.open(configs, { hostsOf: (name) => (name === 'api' ? ['api.example.com'] : NAMES) });
  await refused(keeper.remove('site'), 'SP_CERTIFICATE_INVALID', /configured/);
  await refused(keeper.remove('api'), 'SP_CERTIFICATE_UNKNOWN');
  await keeper.rotate('site', upload(fresh()));
  await keeper.rotate('api', upload(fresh(['api.example.com'])));
  await keeper.remove('site');
  assert.deepEqual([serving(keeper), keeper.list()[1]?.source], [fingerprint(a), 'files']);
  await refused(keeper.remove('api'), 'SP_CERTIFICATE_INVALID', /in-use: api\.example\.com/);
  assert.equal(serving(await h.open(configs)), fingerprint(a));
});

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

test('an upload wins over files until they change after it', async (t) => {
  const h = await house(t);
  const [a, b, c] = [fresh(), fresh(), fresh()];
  const configs = [await fileConfig(h.folder, 'site', a)];
  const keeper = await h.open(configs);
  await keeper.rotate('site', upload(b));
  await fileConfig(h.folder, 'site', a);
  await new Promise((done) => setTimeout(done, 60));
  assert.equal(serving(keeper), fingerprint(b), 'the same files again change nothing');
  await fileConfig(h.folder, 'site', c);
  await until(() => serving(keeper) === fingerprint(c));
  assert.equal(serving(await h.open(configs)), fingerprint(c));
  assert.equal((await keeper.rollback('site')).fingerprint256, fingerprint(b));
});

test('half-written and bad files keep the old pair and are logged once', async (t) => {
  const h = await house(t);
  const [a, b] = [fresh(), fresh()];
  const config = await fileConfig(h.folder, 'site', a);
  const keeper = await h.open([config]);
  await fileConfig(h.folder, 'site', { certificate: b.certificate, keyPem: a.keyPem });
  const told = (): number => h.log.filter(({ message }) => message.includes('not taken over')).length;
  await until(() => told() === 1);
  await new Promise((done) => setTimeout(done, 60));
  assert.equal(told(), 1);
  assert.match(JSON.stringify(h.log.at(-1)), /key-mismatch/);
  assert.equal(serving(keeper), fingerprint(a));
  await fileConfig(h.folder, 'site', b);
  await until(() => serving(keeper) === fingerprint(b));
  await fileConfig(h.folder, 'site', a);
  await keeper.refresh();
  assert.equal(serving(keeper), fingerprint(a));
});

test('what cannot be served at start is a configuration error with every problem', async (t) => {
  const h = await house(t);
  const missing = await fileConfig(h.folder, 'missing', fresh(['m.example.com']));
  const bad = await fileConfig(h.folder, 'bad', { ...fresh(['b.example.com']), keyPem: 'x' });
  const { source } = missing;
  assert.ok(source.kind === 'files');
  const gone = { ...missing, source: { ...source, key: `${source.key}.gone` } };
  const [one, two] = [await fileConfig(h.folder, 'one', fresh()), await fileConfig(h.folder, 'two', fresh())];
  const mixed = await fileConfig(h.folder, 'mixed', fresh(NAMES, { key: rsaKey() }), 'modern');
  await refused(
    h.open([gone, bad, one, two, mixed]),
    'SP_CONFIG_INVALID',
    /missing: file-unreadable: .*gone .*ENOENT[\s\S]*bad: no-key[\s\S]*two: name-taken: www\.example\.com[\s\S]*mixed: preset-conflict/,
  );
});

test('identical pairs under two names are no ambiguity', async (t) => {
  const h = await house(t);
  const a = fresh();
  const keeper = await h.open([await fileConfig(h.folder, 'one', a), await fileConfig(h.folder, 'two', a)]);
  assert.deepEqual(keeper.find('www.example.com')?.certificates, ['one']);
});

test('an expired certificate does not keep the house from starting, and is logged', async (t) => {
  const h = await house(t);
  const old = fresh(NAMES, { notAfterMs: h.now - 1 });
  const keeper = await h.open([await fileConfig(h.folder, 'site', old)]);
  assert.equal(serving(keeper), fingerprint(old));
  assert.match(JSON.stringify(h.log), /expired: /);
  assert.deepEqual(keeper.expiries(), [{ name: 'site', notAfterSec: Math.floor((h.now - 1) / 1000) }]);
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

test('a dev certificate is renewed before it ends, and an upload over it stays', async (t) => {
  const h = await house(t);
  const source = { kind: 'dev' as const, names: ['localhost'], keyType: 'ecdsa' as const };
  const keeper = await h.open([{ name: 'dev', tls: undefined, source }]);
  const first = serving(keeper, 'dev');
  await keeper.refresh();
  assert.equal(serving(keeper, 'dev'), first);
  h.now += days(61);
  await keeper.refresh();
  const renewed = serving(keeper, 'dev');
  assert.notEqual(renewed, first);
  const own = fresh(['localhost'], { notAfterMs: h.now + days(90) });
  await keeper.rotate('dev', upload(own));
  h.now += days(61);
  await keeper.refresh();
  assert.equal(serving(keeper, 'dev'), fingerprint(own));
});

test('a dev wildcard leaves a host to the certificate that names it, today and when it is renewed', async (t) => {
  const h = await house(t);
  const own = fresh(['s.localhost'], { notAfterMs: h.now + days(200) });
  const wild = { kind: 'dev' as const, names: ['localhost', '*.localhost'], keyType: 'ecdsa' as const };
  const named = { kind: 'dev' as const, names: ['d.localhost'], keyType: 'ecdsa' as const };
  const keeper = await h.open(
    [
      { name: 'dev', tls: undefined, source: wild },
      { name: 'other', tls: undefined, source: named },
      await fileConfig(h.folder, 'strict', own, 'modern'),
    ],
    { hostsOf: (name) => (name === 'dev' ? ['a.localhost', 's.localhost', 'd.localhost'] : []) },
  );
  const served = (): unknown[] =>
    ['a', 's', 'd', 'x'].map((label) => keeper.find(`${label}.localhost`)?.certificates);
  assert.deepEqual(served(), [['dev'], ['strict'], ['other'], ['dev']]);
  h.now += days(61);
  await keeper.refresh();
  assert.deepEqual(served(), [['dev'], ['strict'], ['other'], ['dev']]);
});

test('hosts without a certificate demand the policy of the default one', async (t) => {
  const h = await house(t);
  const strict = await fileConfig(h.folder, 'strict', fresh(['strict.example.com']), 'modern');
  const configs = [strict, await fileConfig(h.folder, 'site', fresh())];
  const keeper = await h.open(configs, { defaultCertificate: 'strict' });
  assert.equal(keeper.policyOf('unknown.example.com'), 'modern');
  assert.equal(keeper.policyOf('www.example.com'), 'intermediate');
  assert.equal((await h.open(configs)).policyOf('unknown.example.com'), 'intermediate');
  assert.deepEqual(keeper.byName('strict')?.certificates, ['strict']);
  assert.equal(keeper.byName('none'), undefined);
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
