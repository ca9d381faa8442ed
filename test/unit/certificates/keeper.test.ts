import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileConfig, house, uploadedConfig } from '../../fixtures/certificates/house.ts';
import { days, rsaKey } from '../../fixtures/certificates/pki.ts';
import { fingerprint, fresh, NAMES, refused, serving, upload } from '../../fixtures/certificates/uploads.ts';

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

test('a pair is served under one name only, so that each can be rotated', async (t) => {
  const h = await house(t);
  const a = fresh();
  const keeper = await h.open([await fileConfig(h.folder, 'site', a)]);
  const rsa = fresh(NAMES, { key: rsaKey() });
  await keeper.rotate('rsa', upload(rsa));
  await refused(keeper.rotate('rsa', upload(a)), 'SP_CERTIFICATE_INVALID', /pair-taken: .* site/);
  assert.equal(serving(keeper, 'rsa'), fingerprint(rsa));
  await keeper.rotate('site', upload(fresh()));
});

test('an upload can be removed when another certificate serves the hosts of routes, too', async (t) => {
  const h = await house(t);
  const keeper = await h.open([await fileConfig(h.folder, 'site', fresh())], { hostsOf: () => NAMES });
  await keeper.rotate('rsa', upload(fresh(NAMES, { key: rsaKey() })));
  await keeper.remove('rsa');
  assert.deepEqual(keeper.find('www.example.com')?.certificates, ['site']);
});
