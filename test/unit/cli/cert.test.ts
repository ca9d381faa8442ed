import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { authority, leaf } from '../../fixtures/certificates/pki.ts';
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

/** Writes a pair as PEM, its key encrypted too, and as PKCS#12 with and without passphrase. */
function writePair(folder: string): { readonly certificate: string; readonly keyPem: string } {
  const pair = leaf(authority('Root'), ['site.test']);
  writeFileSync(join(folder, 'site.crt'), pair.certificate);
  writeFileSync(join(folder, 'site.key'), pair.keyPem);
  const openssl = (...words: string[]): void => void execFileSync('openssl', words, { cwd: folder });
  const both = ['pkcs12', '-export', '-in', 'site.crt', '-inkey', 'site.key'];
  openssl(...both, '-passout', 'pass:', '-out', 'open.p12');
  openssl(...both, '-passout', 'pass:pass-canary', '-out', 'closed.p12');
  openssl('pkcs8', '-topk8', '-in', 'site.key', '-passout', 'pass:pass-canary', '-out', 'closed.key');
  return pair;
}

test('cert show tells one certificate, in lines or as JSON, and an unknown name', async () => {
  const shell = terminal();
  assert.equal(await shell.run('cert', 'show', 'site'), 0, shell.printed.err);
  for (const line of [/^names +site\.test$/m, /^issuer +CN=Middle$/m, /^serial +0A1B$/m, /^served +yes$/m])
    assert.match(shell.printed.out, line);
  assert.match(shell.printed.out, /^chain +CN=site\.test, ends 2027-01-01\n +CN=Middle, ends 2027-01-01$/m);
  assert.match(
    shell.printed.out,
    /^previous +CC:DD\n +\(return to it with: sallyport cert rollback site\)$/m,
  );
  assert.equal(await shell.run('cert', 'show', 'site', '--json'), 0);
  assert.equal(JSON.parse(shell.printed.out).name, 'site');
  assert.equal(await shell.run('cert', 'show', 'other'), 1);
  assert.match(shell.printed.err, /There is no certificate of this name/);
});

test('cert csr makes a request that openssl accepts; the key stays private and is never written over', async () => {
  for (const more of [[], ['--rsa']]) {
    const shell = terminal();
    const words = ['cert', 'csr', 'Site.test', '*.site.test', '10.0.0.1', '[::1]', '--json', ...more];
    assert.equal(await shell.run(...words), 0, shell.printed.err);
    const { request, key } = JSON.parse(shell.printed.out);
    const text = execFileSync('openssl', ['req', '-in', request, '-noout', '-verify', '-text'], {
      stdio: 'pipe',
    });
    assert.match(
      text.toString(),
      /DNS:site\.test, DNS:\*\.site\.test, IP Address:10\.0\.0\.1, IP Address:0:0:0:0:0:0:0:1/,
    );
    assert.equal(statSync(key).mode & 0o777, 0o600);
    const before = readFileSync(key, 'utf8');
    assert.ok(!shell.printed.out.includes('PRIVATE'));
    assert.equal(await shell.run(...words), 1);
    assert.match(shell.printed.err, /There is a key of this name already/);
    assert.equal(readFileSync(key, 'utf8'), before);
  }
});

test('the common name of cert csr is the first host name that has room there', async () => {
  const long = `${'a'.repeat(60)}.test`;
  const fits = `${'b'.repeat(59)}.test`;
  for (const [names, subject] of [
    [['site.test', 'b.test'], 'CN=site.test'],
    [['*.site.test'], 'CN=*.site.test'],
    [['10.0.0.1', '[::1]', 'b.test'], 'CN=b.test'],
    [[long, fits], `CN=${fits}`],
    [['10.0.0.1', long], ''],
  ] as const) {
    const shell = terminal();
    assert.equal(await shell.run('cert', 'csr', ...names, '--json'), 0, shell.printed.err);
    const { request } = JSON.parse(shell.printed.out);
    const words = ['req', '-in', request, '-noout', '-subject', '-nameopt', 'RFC2253'];
    assert.equal(execFileSync('openssl', words).toString(), `subject=${subject}\n`);
  }
});

test('cert dev replaces a pair of the development CA and no other key', async () => {
  const shell = openTerminal();
  const [crt, key, csr] = ['crt', 'key', 'csr'].map((end) => join(shell.folder, 'certs', `site.test.${end}`));
  const read = (): string => readFileSync(String(key), 'utf8');
  const dev = (...more: string[]): Promise<number> => shell.run('cert', 'dev', 'site.test', ...more);
  const refused = async (): Promise<void> => {
    const before = read();
    assert.equal(await dev(), 1);
    assert.match(
      shell.printed.err,
      /There is a key of this name already.*\n {2}where: .*site\.test\.key\n {2}to do: move it away, or name another folder with --out/,
    );
    assert.equal(read(), before);
  };
  assert.equal(await shell.run('cert', 'csr', 'site.test'), 0);
  await refused();
  assert.ok(!existsSync(String(crt)));
  const other = leaf(authority('Sallyport development CA'), ['site.test']);
  writeFileSync(String(crt), other.certificate);
  writeFileSync(String(key), other.keyPem);
  await refused();
  assert.equal(readFileSync(String(crt), 'utf8'), other.certificate);

  rmSync(String(key));
  assert.equal(await dev(), 0, shell.printed.err);
  const first = read();
  assert.equal(await dev('--rsa'), 0, shell.printed.err);
  assert.notEqual(read(), first);

  // The request came after the certificate of the development CA: the key beside it is not the one that it speaks of.
  rmSync(String(key));
  rmSync(String(csr));
  assert.equal(await shell.run('cert', 'csr', 'site.test'), 0);
  await refused();
});

test('cert dev does not replace the development CA', async () => {
  const shell = openTerminal();
  assert.equal(await shell.run('cert', 'dev', 'site.test'), 0, shell.printed.err);
  const file = join(shell.folder, 'data', 'dev-ca.key');
  const before = readFileSync(file, 'utf8');
  assert.equal(await shell.run('cert', 'dev', 'dev-ca', '--out', 'data'), 1);
  assert.match(shell.printed.err, /There is a key of this name already/);
  assert.equal(readFileSync(file, 'utf8'), before);
});

test('cert dev and cert csr refuse what is no name, one line for each, and write nothing', async () => {
  for (const command of ['dev', 'csr']) {
    const shell = terminal();
    const bad = ['bad name', '*.*.x', '../../etc', 'münchen.example', '*.10.0.0.1', '999.1.1.1', ''];
    assert.equal(await shell.run('cert', command, 'good.test', ...bad, '--out', 'made'), 1);
    const lines = shell.printed.err.split('\n').filter((line) => line.startsWith('  - '));
    assert.deepEqual(lines, [
      '  - "bad name" is no host name',
      '  - "*.*.x" is no host name',
      '  - "../../etc" is no host name',
      '  - "münchen.example" is not in ASCII: write xn--mnchen-3ya.example',
      '  - "*.10.0.0.1" is no host name',
      '  - "999.1.1.1" is no host name',
      '  - "" is no host name',
    ]);
    assert.match(shell.printed.err, /to do: a name is www\.example\.com, .*IP address.*punycode/);
    assert.ok(!existsSync(join(shell.folder, 'made')));
    assert.ok(!existsSync(join(shell.folder, 'data', 'dev-ca.key')));
  }
});

test('cert import takes PKCS#12 and PEM, and asks for a passphrase only when there is one', async () => {
  const shell = terminal({ hidden: ['pass-canary', 'pass-canary'] });
  const { certificate, keyPem } = writePair(shell.folder);
  const run = async (file: string, ...more: string[]): Promise<unknown> => {
    const code = await shell.run('cert', 'import', file, '--name', 'site', ...more);
    assert.equal(code, 0, shell.printed.err);
    assert.ok(!`${shell.printed.out}${shell.printed.err}`.includes('canary'));
    return Object(house.calls.at(-1))[2];
  };
  const bundle = (file: string): string => readFileSync(join(shell.folder, file)).toString('base64');
  assert.deepEqual(await run('open.p12'), { pkcs12: bundle('open.p12') });
  assert.match(shell.printed.out, /confirmed by 1 process: 1/);
  const passphrase = 'pass-canary';
  assert.deepEqual(await run('closed.p12'), { pkcs12: bundle('closed.p12'), passphrase });
  const closed = readFileSync(join(shell.folder, 'closed.key'), 'utf8');
  writeFileSync(join(shell.folder, 'both.pem'), `Bag Attributes\n${keyPem}${certificate}`);
  writeFileSync(join(shell.folder, 'closed.pem'), certificate + closed);
  assert.deepEqual(await run('both.pem'), { certificate, key: keyPem });
  assert.deepEqual(await run('closed.pem'), { certificate, key: closed, passphrase });
  writeFileSync(join(shell.folder, 'pass'), 'pass-canary\nrest\n');
  assert.deepEqual(await run('closed.p12', '--passphrase-file', 'pass'), {
    pkcs12: bundle('closed.p12'),
    passphrase,
  });
});

test('cert import names cert rotate when a PEM file lacks its key or its certificate', async () => {
  const shell = terminal();
  writePair(shell.folder);
  for (const [file, missing] of [
    ['site.crt', 'private key'],
    ['site.key', 'certificate'],
  ] as const) {
    assert.equal(await shell.run('cert', 'import', file, '--name', 'site'), 1);
    assert.match(shell.printed.err, new RegExp(`The file is PEM and holds no ${missing}`));
    assert.match(shell.printed.err, /to do: .*sallyport cert rotate site --certificate FILE --key FILE/);
  }
});

test('cert rotate asks for the passphrase of an encrypted key, or takes it from a file or the standard input', async () => {
  const files = ['--certificate', 'site.crt', '--key', 'closed.key'];
  const rotate = async (
    options: Parameters<typeof terminal>[0],
    ...more: string[]
  ): Promise<TestTerminal> => {
    const shell = terminal(options);
    writePair(shell.folder);
    writeFileSync(join(shell.folder, 'pass'), 'pass-canary\n');
    house.calls.length = 0;
    await shell.run('cert', 'rotate', 'site', ...files, ...more);
    return shell;
  };
  const sent = (): unknown => Object(Object(house.calls.at(-1))[2]).passphrase;
  await rotate({ hidden: ['pass-canary'] });
  assert.equal(sent(), 'pass-canary');
  await rotate({}, '--passphrase-file', 'pass');
  assert.equal(sent(), 'pass-canary');
  await rotate({ input: 'pass-canary\n' }, '--passphrase-stdin');
  assert.equal(sent(), 'pass-canary');
  const nobody = await rotate({});
  assert.equal(house.calls.length, 0);
  assert.match(
    nobody.printed.err,
    /no terminal to ask .*\n {2}to do: use --passphrase-file FILE or --passphrase-stdin/,
  );
  const both = await rotate({}, '--passphrase-file', 'pass', '--passphrase-stdin');
  assert.match(both.printed.err, /not both/);
});

test('cert remove removes the upload and tells what is served now', async () => {
  const shell = terminal();
  assert.equal(await shell.run('cert', 'remove', 'site'), 0, shell.printed.err);
  assert.deepEqual(house.calls.at(-1), ['remove certificate', 'site']);
  assert.equal(shell.printed.out, 'the upload of site is removed\nsite now serves AA:BB (files)\n');
  assert.equal(await shell.run('cert', 'remove', 'site', '--json'), 0);
  const now = { fingerprint256: 'AA:BB', source: 'files' };
  assert.deepEqual(JSON.parse(shell.printed.out), { name: 'site', removed: true, now });
  assert.equal(await shell.run('cert', 'remove', 'gone'), 0);
  assert.match(shell.printed.out, /^nothing is served under this name any more$/m);
});
