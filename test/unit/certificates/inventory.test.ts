import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { Keeper } from '../../../src/certificates/keeper.ts';
import type { ListedCertificate } from '../../../src/certificates/listed-certificate.ts';
import { silentLogger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { Notices } from '../../../src/state/notices.ts';
import { fileConfig, house, until } from '../../fixtures/certificates/house.ts';
import { days } from '../../fixtures/certificates/pki.ts';
import { fingerprint, fresh, refused, root, serving, upload } from '../../fixtures/certificates/uploads.ts';

function entry(keeper: Keeper, name = 'site'): ListedCertificate | undefined {
  return keeper.inventory.list().find((listed) => listed.name === name);
}

test('the inventory says what is served, since when, and what a rollback returns to', async (t) => {
  const h = await house(t);
  const [a, b, c] = [fresh(), fresh(), fresh()];
  const configs = [await fileConfig(h.folder, 'site', a)];
  const keeper = await h.open(configs);
  const told = (): unknown[] => {
    const { source, served, problems, previous, rotatedAt } = entry(keeper) ?? {};
    return [source, served, problems, previous, rotatedAt];
  };
  assert.deepEqual(told(), ['files', true, [], undefined, undefined]);
  await keeper.rotate('site', upload(b));
  const moment = new Date(h.now).toISOString();
  assert.deepEqual(told(), ['uploaded', true, [], fingerprint(a), moment]);
  assert.equal(entry(await h.open(configs))?.rotatedAt, moment, 'it outlives the process');
  await fileConfig(h.folder, 'site', c);
  await keeper.refresh();
  assert.deepEqual(
    told(),
    ['files', true, [], fingerprint(b), undefined],
    'a rollback would serve the upload',
  );
  assert.deepEqual(keeper.inventory.unserved(), []);
});

test('an upload of before the time of uploads was kept has none', async (t) => {
  const h = await house(t);
  await (await h.open([])).rotate('site', upload(fresh()));
  const record = await h.store.records.get('certificate/site');
  const { rotatedAtMs, ...old } = JSON.parse(Buffer.from(record?.value ?? []).toString());
  assert.equal(rotatedAtMs, h.now);
  await h.store.records.put('certificate/site', Buffer.from(JSON.stringify(old)), {
    indexes: ['certificates'],
  });
  const listed = entry(await h.open([]));
  assert.deepEqual([listed?.served, listed?.rotatedAt], [true, undefined]);
});

test('what is stored and does not open is listed as not served, can be removed, and can be uploaded anew', async (t) => {
  const h = await house(t);
  await (await h.open([])).rotate('site', upload(fresh()));
  await h.store.records.put('certificate/garbage', Buffer.from('{]'), { indexes: ['certificates'] });
  const stranger = await h.open([], { sealer: makeSealer(Buffer.alloc(32, 8)) });
  assert.deepEqual(
    stranger.inventory.list().map(({ name, source, served, problems }) => [name, source, served, problems]),
    [
      ['garbage', 'uploaded', false, ['SP_STATE_CORRUPT: A stored record cannot be read.']],
      ['site', 'uploaded', false, ['SP_STATE_KEY: The state was sealed with another key.']],
    ],
  );
  assert.deepEqual(stranger.inventory.unserved(), ['garbage', 'site']);
  assert.equal(stranger.inventory.detail('site').serialNumber, undefined);
  await stranger.remove('garbage');
  await stranger.rotate('site', upload(fresh()));
  assert.deepEqual(
    stranger.inventory.list().map(({ name, served, problems }) => [name, served, problems]),
    [['site', true, []]],
  );
});

test('a served pair whose record was damaged is served on with the problem, and the same pair can be uploaded again', async (t) => {
  const h = await house(t);
  const notices = new Notices({ store: h.store, logger: silentLogger });
  await notices.start();
  t.after(() => notices.close());
  const keeper = await h.open([], { notices });
  const pair = fresh();
  await keeper.rotate('site', upload(pair));
  await h.store.records.put('certificate/site', Buffer.from('{]'), { indexes: ['certificates'] });
  await notices.publish({ kind: 'certificate-changed', name: 'site' });
  await until(() => keeper.inventory.unserved().length === 1);
  assert.deepEqual([serving(keeper), entry(keeper)?.served], [fingerprint(pair), true]);
  await keeper.rotate('site', upload(pair));
  assert.deepEqual(keeper.inventory.unserved(), []);
  assert.equal(serving(await h.open([])), fingerprint(pair));
});

test('what clashes is listed as not served until what it clashes with is gone', async (t) => {
  const h = await house(t);
  const [a, b] = [fresh(), fresh()];
  await (await h.open([])).rotate('other', upload(b));
  await h.store.records.put(
    'certificate/aside',
    (await h.store.records.get('certificate/other'))?.value ?? Buffer.alloc(0),
  );
  await h.store.records.delete('certificate/other');
  const keeper = await h.open([]);
  await keeper.rotate('site', upload(a));
  await h.store.records.put(
    'certificate/other',
    (await h.store.records.get('certificate/aside'))?.value ?? Buffer.alloc(0),
    {
      indexes: ['certificates'],
    },
  );
  const late = await h.open([]);
  const listed = late.inventory.list().find(({ served }) => !served);
  assert.match(listed?.problems.join() ?? '', /^name-taken: www\.example\.com is already served/);
  assert.ok(listed?.fingerprint256 !== '' && listed?.notAfter !== '');
  const [winner, loser] = listed?.name === 'site' ? ['other', 'site'] : ['site', 'other'];
  await late.remove(winner);
  assert.deepEqual(
    late.inventory.list().map(({ name, served, problems }) => [name, served, problems]),
    [[loser, true, []]],
  );
});

test('the details of one certificate are those that openssl tells', async (t) => {
  const h = await house(t);
  const keeper = await h.open([]);
  const pair = fresh(['www.example.com'], { notAfterMs: h.now + days(20) });
  await keeper.rotate('site', { certificate: pair.certificate + root.certificate, key: pair.keyPem });
  const leaf = new X509Certificate(pair.certificate);
  const { subject, issuer, serialNumber, signature, chain } = keeper.inventory.detail('site');
  assert.deepEqual(
    [subject, issuer, serialNumber, signature],
    ['CN=www.example.com', 'CN=Root', leaf.serialNumber, 'ecdsa-with-SHA256'],
  );
  assert.deepEqual(
    chain.map((link) => [link.subject, link.issuer, link.notAfter]),
    [
      ['CN=www.example.com', 'CN=Root', new Date(h.now + days(20)).toISOString()],
      ['CN=Root', 'CN=Root', new X509Certificate(root.certificate).validToDate.toISOString()],
    ],
  );
  await refused(
    Promise.resolve().then(() => keeper.inventory.detail('nothing')),
    'SP_CERTIFICATE_UNKNOWN',
  );
});
