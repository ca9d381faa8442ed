import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type AdminHouse, openAdminHouse, TOKEN } from '../admin/admin-house.ts';
import { openTerminal, type TestTerminal } from './fake-terminal.ts';

let house: AdminHouse;
before(async () => {
  house = await openAdminHouse();
});
after(() => house.close());

function terminalAt(port = house.port, options: Parameters<typeof openTerminal>[0] = {}): TestTerminal {
  const env = { SALLYPORT_ADMIN: `https://127.0.0.1:${port}`, ...options.env };
  const terminal = openTerminal({ ...options, env });
  mkdirSync(join(terminal.folder, 'data'));
  writeFileSync(join(terminal.folder, 'data', 'dev-ca.crt'), house.ca);
  writeFileSync(join(terminal.folder, 'data', 'admin-token'), `${TOKEN}\n`);
  chmodSync(join(terminal.folder, 'data', 'admin-token'), 0o600);
  return terminal;
}

test('user add takes the password from the standard input and never prints it', async () => {
  const terminal = terminalAt(undefined, { input: 'pass word-canary\nnext\n' });
  const code = await terminal.run('user', 'add', 'bob', '--groups', 'a, b', '--password-stdin');
  assert.equal(code, 0, terminal.printed.err);
  assert.deepEqual(house.calls.at(-1), ['put', 'bob', { password: 'pass word-canary', groups: ['a', 'b'] }]);
  assert.ok(!`${terminal.printed.out}${terminal.printed.err}`.includes('canary'));
});

test('user add asks twice and refuses two different passwords', async () => {
  const same = terminalAt(undefined, { hidden: ['one', 'one'] });
  assert.equal(await same.run('user', 'add', 'carol'), 0, same.printed.err);
  assert.deepEqual(house.calls.at(-1), ['put', 'carol', { password: 'one' }]);
  const differ = terminalAt(undefined, { hidden: ['one', 'two'] });
  assert.equal(await differ.run('user', 'add', 'carol'), 1);
  assert.match(differ.printed.err, /The two passwords differ/);
  const none = terminalAt();
  assert.equal(await none.run('user', 'add', 'carol'), 1);
  assert.match(none.printed.err, /use --password-stdin/);
});

test('lists are tables for people and JSON for scripts', async () => {
  const terminal = terminalAt();
  assert.equal(await terminal.run('user', 'list'), 0);
  assert.equal(
    terminal.printed.out,
    'name   groups  email  createdAtSec\nalice  ops     -      1970-01-01T00:00:01\n',
  );
  assert.equal(await terminal.run('user', 'list', '--json'), 0);
  assert.equal(JSON.parse(terminal.printed.out)[0].name, 'alice');
  assert.equal(await terminal.run('session', 'list', '--user', 'a b&c'), 0);
  assert.deepEqual(house.calls.at(-1), ['sessions', 'a b&c']);
  assert.equal(terminal.printed.out, '(none)\n');
  assert.equal(await terminal.run('cert', 'list'), 0);
  assert.match(terminal.printed.out, /site\.test/);
});

test('user remove and session revoke say what ended', async () => {
  const terminal = terminalAt();
  assert.equal(await terminal.run('user', 'remove', 'alice'), 0);
  assert.equal(await terminal.run('user', 'remove', 'nobody'), 1);
  assert.match(terminal.printed.err, /There is no such resource \(SP_ADMIN_NOT_FOUND\)/);
  assert.equal(await terminal.run('session', 'revoke', 'known'), 0);
  assert.equal(await terminal.run('session', 'revoke', '--user', 'alice'), 0);
  assert.equal(terminal.printed.out, '3 sessions ended\n');
  assert.equal(await terminal.run('session', 'revoke'), 1);
  assert.equal(await terminal.run('session', 'revoke', 'known', '--user', 'alice'), 1);
});

test('token issue prints the bare token', async () => {
  const terminal = terminalAt();
  assert.equal(await terminal.run('token', 'issue', '--subject', 'bot', '--groups', 'ci', '--ttl', '30m'), 0);
  assert.equal(terminal.printed.out, 'aaa.bbb.ccc\n');
  assert.deepEqual(house.calls.at(-1), ['issueToken', { subject: 'bot', groups: ['ci'], ttlSec: 1800 }]);
  assert.equal(await terminal.run('token', 'issue', '--subject', 'bot', '--ttl', 'soon'), 1);
  assert.match(terminal.printed.err, /write e\.g\. 30m/);
});

test('cert dev makes a pair offline, cert rotate sends it, cert rollback undoes it', async () => {
  const terminal = terminalAt();
  assert.equal(
    await terminal.run('cert', 'dev', '*.site.test', 'site.test', '--data', 'ca'),
    0,
    terminal.printed.err,
  );
  const [crt, key] = ['_.site.test.crt', '_.site.test.key'].map((name) =>
    join(terminal.folder, 'certs', name),
  );
  assert.equal(terminal.printed.out, `${crt}\n${key}\n`);
  assert.equal(statSync(String(key)).mode & 0o777, 0o600);
  const rotate = ['cert', 'rotate', 'site', '--certificate', String(crt), '--key', String(key)];
  assert.equal(await terminal.run(...rotate), 0, terminal.printed.err);
  assert.match(terminal.printed.out, /site now serves AA:BB\nbefore: CC:DD/);
  const upload = { certificate: readFileSync(String(crt), 'utf8'), key: readFileSync(String(key), 'utf8') };
  assert.deepEqual(house.calls.at(-1), ['rotate', 'site', upload]);
  assert.equal(await terminal.run('cert', 'rollback', 'site'), 0);
  assert.equal(await terminal.run('cert', 'rotate', 'site', '--key', String(key)), 1);
});

test('a refused certificate is told with every problem and exit code 1', async () => {
  const terminal = terminalAt();
  writeFileSync(join(terminal.folder, 'x.pem'), 'x');
  assert.equal(await terminal.run('cert', 'rotate', 'bad', '--certificate', 'x.pem', '--key', 'x.pem'), 1);
  assert.match(
    terminal.printed.err,
    /The certificate was not accepted \(SP_CERTIFICATE_INVALID\)\n {2}- the key does not/,
  );
  assert.match(terminal.printed.err, /- the certificate expired/);
});

test('a gateway that does not run, an unknown authority and a missing or wrong token are told apart', async () => {
  const away = terminalAt(1);
  assert.equal(await away.run('user', 'list'), 1);
  assert.match(
    away.printed.err,
    /The gateway is not running\n {2}where: https:\/\/127\.0\.0\.1:1\n {2}to do: start it/,
  );

  const stranger = openTerminal({
    env: { SALLYPORT_ADMIN: `https://127.0.0.1:${house.port}`, SALLYPORT_ADMIN_TOKEN: TOKEN },
  });
  assert.equal(await stranger.run('user', 'list'), 1);
  assert.match(stranger.printed.err, /is not trusted .*\n.*\n {2}to do: name the authority/);

  const bare = openTerminal();
  assert.equal(await bare.run('user', 'list'), 1);
  assert.match(bare.printed.err, /There is no admin token/);

  const wrong = terminalAt(undefined, { env: { SALLYPORT_ADMIN_TOKEN: 'another-token-canary-123' } });
  assert.equal(await wrong.run('user', 'list'), 1);
  assert.match(wrong.printed.err, /SP_ADMIN_UNAUTHORIZED/);
  assert.ok(!wrong.printed.err.includes('canary'));
});

test('plain http is refused, because the token would travel in the clear', async () => {
  const terminal = terminalAt();
  assert.equal(await terminal.run('user', 'list', '--admin', `http://127.0.0.1:${house.port}`), 1);
  assert.match(terminal.printed.err, /must start with https/);
});

test('key add prints the key alone, so that scripts can take it, and list and revoke follow', async () => {
  const terminal = terminalAt();
  const words = ['key', 'add', 'alice', '--name', 'backup', '--routes', 'a.example.com, b.example.com/v1'];
  assert.equal(await terminal.run(...words, '--life', '90d'), 0, terminal.printed.err);
  assert.equal(terminal.printed.out, 'sp_shown-once\n');
  const routes = ['a.example.com', 'b.example.com/v1'];
  const order = { owner: 'alice', name: 'backup', routes, lifeSec: 7_776_000 };
  assert.deepEqual(house.calls.at(-1), ['createKey', order]);
  assert.equal(await terminalAt().run(...words, '--life', 'soon'), 1);
  const list = terminalAt();
  assert.equal(await list.run('key', 'list', '--owner', 'alice'), 0);
  assert.match(list.printed.out, /k1 +alice +backup/);
  const revoke = terminalAt();
  assert.equal(await revoke.run('key', 'revoke', 'known'), 0);
  assert.equal(revoke.printed.out, '1 app password ended\n');
});
