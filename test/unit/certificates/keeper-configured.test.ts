import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Secret } from '../../../src/lib/secret.ts';
import { keyUnder, scrypt } from '../../fixtures/certificates/bombs.ts';
import { fileConfig, house, until } from '../../fixtures/certificates/house.ts';
import { days, rsaKey } from '../../fixtures/certificates/pki.ts';
import { REFUSED_CHAINS } from '../../fixtures/certificates/refused-chains.ts';
import { fingerprint, fresh, NAMES, refused, serving, upload } from '../../fixtures/certificates/uploads.ts';

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

test('files pass the checks that uploads pass, at start and when they change', async (t) => {
  const h = await house(t);
  const good = fresh();
  const keeper = await h.open([await fileConfig(h.folder, 'site', good)]);
  const costly = { certificate: good.certificate, keyPem: keyUnder(scrypt(8192, 1, 20_000)) };
  const rows: (readonly [string, { readonly certificate: string; readonly keyPem: string }])[] = [
    ['passphrase-cost', costly],
    ...Object.values(REFUSED_CHAINS).map(
      ([{ certificate, key }, [word = '']]) => [word, { certificate, keyPem: key }] as const,
    ),
  ];
  for (const [word, pair] of rows) {
    const { source, ...rest } = await fileConfig(h.folder, 'site', pair);
    assert.ok(source.kind === 'files');
    const config = { ...rest, source: { ...source, passphrase: new Secret('x') } };
    await refused(h.open([config]), 'SP_CONFIG_INVALID', new RegExp(`site: ${word}: `));
  }
  await until(() => h.log.some(({ message }) => message.includes('not taken over')));
  assert.equal(serving(keeper), fingerprint(good));
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
