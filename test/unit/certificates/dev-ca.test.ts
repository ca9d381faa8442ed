import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { issueDevLeaf, loadOrMakeDevCa } from '../../../src/certificates/dev-ca.ts';
import { loadOrMakeDevLeaf } from '../../../src/certificates/dev-leaf.ts';
import { GatewayError } from '../../../src/errors.ts';
import { days, ecKey, NOW, pemOf } from '../../fixtures/certificates/pki.ts';

let root = '';
before(async () => {
  root = await mkdtemp(join(tmpdir(), 'sp-dev-'));
});
after(async () => await rm(root, { recursive: true, force: true }));

const clock = (): number => NOW;

test('the dev CA is made once, ten years long, and its key is for the owner only', async () => {
  const folder = join(root, 'once');
  const first = await loadOrMakeDevCa(folder, clock);
  const again = await loadOrMakeDevCa(folder, clock);
  assert.equal(again.certificate, first.certificate);
  const certificate = new X509Certificate(first.certificate);
  assert.ok(certificate.ca);
  assert.ok(certificate.verify(certificate.publicKey));
  assert.equal(certificate.validToDate.getTime(), NOW + days(3650));
  assert.equal((await stat(join(folder, 'dev-ca.key'))).mode & 0o777, 0o600);
  assert.deepEqual((await readdir(folder)).sort(), ['dev-ca.crt', 'dev-ca.key']);
});

test('processes that start together agree on one CA and one leaf', async () => {
  const folder = join(root, 'together');
  const authorities = await Promise.all(Array.from({ length: 12 }, () => loadOrMakeDevCa(folder, clock)));
  assert.equal(new Set(authorities.map((ca) => ca.certificate)).size, 1);
});

test('a leaf is accepted for its names, signed by the CA, and no longer than browsers allow', async () => {
  const ca = await loadOrMakeDevCa(join(root, 'leaf'), clock);
  for (const keyType of ['ecdsa', 'rsa'] as const) {
    const made = await issueDevLeaf(ca, {
      names: ['localhost', '*.dev.localhost', '127.0.0.1', '::1'],
      keyType,
      days: 9999,
    });
    const leaf = new X509Certificate(made.certificate);
    const authority = new X509Certificate(ca.certificate);
    assert.ok(leaf.checkIssued(authority));
    assert.ok(leaf.verify(authority.publicKey));
    assert.ok(leaf.checkPrivateKey(createPrivateKey(made.key)));
    assert.equal(leaf.checkHost('a.dev.localhost'), '*.dev.localhost');
    assert.equal(leaf.checkIP('::1'), '::1');
    assert.ok(!leaf.ca);
    assert.ok(leaf.validToDate.getTime() - leaf.validFromDate.getTime() <= days(397));
    assert.match(leaf.serialNumber, /^[4-7][0-9A-F]{31}$/);
    assert.ok(made.certificate.endsWith(ca.certificate));
  }
});

test('damaged or foreign CA files are named with the way to mend them', async () => {
  const folder = join(root, 'damaged');
  await loadOrMakeDevCa(folder, clock);
  const key = await readFile(join(folder, 'dev-ca.key'));
  const expectRefusal = async (pattern: RegExp, when = clock): Promise<void> => {
    await assert.rejects(loadOrMakeDevCa(folder, when), (error) => {
      assert.ok(error instanceof GatewayError);
      assert.equal(error.code, 'SP_CONFIG_INVALID');
      assert.match(error.problems.join(), pattern);
      assert.match(error.problems.join(), /remove dev-ca\.crt and dev-ca\.key/);
      return true;
    });
  };
  await expectRefusal(/expired/, () => NOW + days(3651));
  await writeFile(join(folder, 'dev-ca.key'), pemOf(ecKey()));
  await expectRefusal(/does not belong/);
  await writeFile(join(folder, 'dev-ca.key'), 'rubbish');
  await expectRefusal(/key cannot be read/);
  await writeFile(join(folder, 'dev-ca.key'), key);
  await writeFile(join(folder, 'dev-ca.crt'), 'rubbish');
  await expectRefusal(/certificate cannot be read/);
});

test('a dev leaf is kept over restarts and made anew for other names, another key type, another CA, or when it is due', async () => {
  const folder = join(root, 'kept');
  let now = NOW;
  const ca = await loadOrMakeDevCa(folder, () => now);
  const place = { folder, name: 'dev', names: ['localhost', '127.0.0.1'], keyType: 'ecdsa' as const };
  const first = await loadOrMakeDevLeaf(place, ca);
  assert.equal((await stat(join(folder, 'dev-dev.pem'))).mode & 0o777, 0o600);
  assert.equal((await loadOrMakeDevLeaf(place, ca)).fingerprint256, first.fingerprint256);
  now = NOW + days(59);
  assert.equal((await loadOrMakeDevLeaf(place, ca)).fingerprint256, first.fingerprint256);
  now = NOW + days(61);
  const renewed = await loadOrMakeDevLeaf(place, ca);
  assert.notEqual(renewed.fingerprint256, first.fingerprint256);
  const wider = await loadOrMakeDevLeaf({ ...place, names: ['localhost'] }, ca);
  assert.deepEqual(wider.names, ['localhost']);
  assert.equal((await loadOrMakeDevLeaf({ ...place, keyType: 'rsa' }, ca)).keyLabel, 'RSA 2048');
  const other = await loadOrMakeDevCa(join(root, 'other'), () => now);
  const signed = await loadOrMakeDevLeaf({ ...place, keyType: 'rsa' }, other);
  assert.ok(signed.certificate.endsWith(other.certificate));
});
