import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type AdminHouse, openAdminHouse, TOKEN } from '../admin/admin-house.ts';
import { openTerminal, type TestTerminal } from './fake-terminal.ts';

let house: AdminHouse;
before(async () => {
  house = await openAdminHouse();
});
after(() => house.close());

function terminal(options: Parameters<typeof openTerminal>[0] = {}): TestTerminal {
  const made = openTerminal({ ...options, env: { SALLYPORT_ADMIN: `https://127.0.0.1:${house.port}` } });
  mkdirSync(join(made.folder, 'data'));
  writeFileSync(join(made.folder, 'data', 'dev-ca.crt'), house.ca);
  writeFileSync(join(made.folder, 'data', 'admin-token'), `${TOKEN}\n`);
  return made;
}

test('cert show tells one certificate, in lines or as JSON, and an unknown name', async () => {
  const shell = terminal();
  assert.equal(await shell.run('cert', 'show', 'site'), 0, shell.printed.err);
  assert.match(shell.printed.out, /^names +site\.test$/m);
  assert.equal(await shell.run('cert', 'show', 'site', '--json'), 0);
  assert.equal(JSON.parse(shell.printed.out).name, 'site');
  assert.equal(await shell.run('cert', 'show', 'other'), 1);
  assert.match(shell.printed.err, /There is no certificate of this name/);
});

test('cert csr makes a request that openssl accepts; the key stays private and is never written over', async () => {
  for (const more of [[], ['--rsa']]) {
    const shell = terminal();
    const words = ['cert', 'csr', 'site.test', '*.site.test', '--json', ...more];
    assert.equal(await shell.run(...words), 0, shell.printed.err);
    const { request, key } = JSON.parse(shell.printed.out);
    const text = execFileSync('openssl', ['req', '-in', request, '-noout', '-verify', '-text'], {
      stdio: 'pipe',
    });
    assert.match(text.toString(), /DNS:site\.test, DNS:\*\.site\.test/);
    assert.equal(statSync(key).mode & 0o777, 0o600);
    const before = readFileSync(key, 'utf8');
    assert.ok(!shell.printed.out.includes('PRIVATE'));
    assert.equal(await shell.run(...words), 1);
    assert.match(shell.printed.err, /There is a key of this name already/);
    assert.equal(readFileSync(key, 'utf8'), before);
    assert.equal(await shell.run('cert', 'csr', '10.0.0.1'), 1);
  }
});

test('cert import sends a bundle with the passphrase that was asked for, and says who confirmed', async () => {
  const shell = terminal({ hidden: ['pass-canary'] });
  writeFileSync(join(shell.folder, 'site.p12'), 'bundle');
  assert.equal(await shell.run('cert', 'import', 'site.p12', '--name', 'site'), 0, shell.printed.err);
  const upload = { pkcs12: Buffer.from('bundle').toString('base64'), passphrase: 'pass-canary' };
  assert.deepEqual(house.calls.at(-1), ['rotate', 'site', upload]);
  assert.match(shell.printed.out, /confirmed by 1 process: 1/);
  assert.ok(!shell.printed.out.includes('canary'));
});
