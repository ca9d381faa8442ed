import assert from 'node:assert/strict';
import { test } from 'node:test';
import { silentLogger } from '../../../../src/lib/logger.ts';
import { Secret } from '../../../../src/lib/secret.ts';
import { Providers } from '../../../../src/sign-in/oidc/providers.ts';
import { startLyingProvider } from '../../../support/lying-provider.ts';
import { providerConfig } from '../../../support/oidc-house.ts';

test('a provider moves over to the next generation unless its settings changed, its secret included', async (t) => {
  const { issuer } = await startLyingProvider(t);
  const same = providerConfig({ name: 'same', issuer });
  const rotated = providerConfig({ name: 'rotated', issuer, clientSecret: new Secret('before') });
  const gone = providerConfig({ name: 'gone', issuer });
  const before = new Providers({ configs: [same, rotated, gone], logger: silentLogger });
  await before.get('same').ready();
  const configs = [{ ...same }, { ...rotated, clientSecret: new Secret('after') }];
  const after = new Providers({ configs, logger: silentLogger, before });
  t.after(() => after.close());
  before.close(after);
  assert.equal(after.get('same'), before.get('same'));
  assert.ok(after.get('same').known, 'nobody has to wait for it again');
  assert.notEqual(after.get('rotated'), before.get('rotated'));
  assert.throws(() => after.get('gone'), { code: 'SP_SIGN_IN_NOT_FOUND' });
  assert.deepEqual(
    after.list().map(({ name }) => name),
    ['same', 'rotated'],
  );
});

test('a CA file that cannot be read stops the new generation and not the old', async (t) => {
  const { issuer } = await startLyingProvider(t);
  const config = providerConfig({ issuer });
  const before = new Providers({ configs: [config], logger: silentLogger });
  t.after(() => before.close());
  const broken = providerConfig({ name: 'broken', issuer, ca: '/nowhere/ca.pem' });
  assert.throws(() => new Providers({ configs: [config, broken], logger: silentLogger, before }), {
    code: 'ENOENT',
  });
  assert.ok(await before.get('corp').ready());
});
