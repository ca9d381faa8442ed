import assert from 'node:assert/strict';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { runtimeFloor } from '../../../src/cli/runtime-floor.ts';
import { authority, days, NOW } from '../../fixtures/certificates/pki.ts';
import { revocationList } from '../../support/client-pki.ts';
import { openTerminal } from './fake-terminal.ts';

const GOOD = `listen: { https: 127.0.0.1:8443 }
certificates:
  - dev: { names: [localhost] }
routes:
  - { host: localhost, upstream: "http://127.0.0.1:3000", public: true }
`;

test('check says nothing is wrong with a good file and exits 0', async () => {
  const terminal = openTerminal();
  writeFileSync(join(terminal.folder, 'sallyport.yaml'), GOOD);
  assert.equal(await terminal.run('check'), 0, terminal.printed.out);
  assert.match(terminal.printed.out, /1 routes, ready to run/);
});

test('check prints every problem with its place and exits 1', async () => {
  const terminal = openTerminal();
  const file = join(terminal.folder, 'bad.yaml');
  writeFileSync(file, GOOD.replace('public: true', 'pubilc: true').replace('listen:', 'lisen:'));
  assert.equal(await terminal.run('check', '-c', 'bad.yaml'), 1);
  assert.ok(terminal.printed.out.includes(`${file}:1:`), terminal.printed.out);
  assert.ok(terminal.printed.out.includes(`${file}:5:`), terminal.printed.out);
  assert.match(terminal.printed.out, /hint: /);
  await terminal.run('check', '-c', 'bad.yaml', '--json');
  assert.ok(JSON.parse(terminal.printed.out).length >= 2);
});

test('check of a file that is not there says so', async () => {
  const terminal = openTerminal();
  assert.equal(await terminal.run('check'), 1);
  assert.match(terminal.printed.err, /There is no configuration file\n.*sallyport\.yaml/);
});

test('doctor finds a private key that others may read and an admin door that is open to the network', async () => {
  const terminal = openTerminal();
  const key = join(terminal.folder, 'site.key');
  writeFileSync(key, 'x');
  writeFileSync(join(terminal.folder, 'site.crt'), 'x');
  const config = GOOD.replace('8443 }', '8443, admin: "0.0.0.0:9443" }').replace(
    'dev: { names: [localhost] }',
    'name: site\n    files: { certificate: site.crt, key: site.key }',
  );
  writeFileSync(join(terminal.folder, 'sallyport.yaml'), config);
  chmodSync(key, 0o644);
  assert.equal(await terminal.run('doctor', '--json'), 1, terminal.printed.err);
  const findings: { verdict: string; check: string; text: string }[] = JSON.parse(terminal.printed.out);
  const verdictOf = (check: string, part: string) =>
    findings.find((found) => found.check === check && found.text.includes(part))?.verdict;
  assert.equal(verdictOf('permissions', 'site.key'), 'fail', terminal.printed.out);
  assert.equal(verdictOf('certificate', 'cannot be read'), 'fail');
  assert.equal(verdictOf('admin', '0.0.0.0'), 'warn');
  assert.equal(verdictOf('password hash', 'argon2id'), 'ok');
});

test('doctor fails when the state does not answer and does not show its password', async () => {
  const terminal = openTerminal();
  const state = 'state: redis://:secret-canary@127.0.0.1:1\n';
  writeFileSync(join(terminal.folder, 'sallyport.yaml'), `${state}${GOOD}`);
  assert.equal(await terminal.run('doctor'), 1);
  assert.match(terminal.printed.out, /^fail {2}state/m);
  assert.ok(!`${terminal.printed.out}${terminal.printed.err}`.includes('canary'));
});

test('doctor of the demonstration has nothing to complain of but the runtime', async () => {
  const terminal = openTerminal();
  assert.equal(await terminal.run('doctor'), 0, terminal.printed.out);
  assert.doesNotMatch(terminal.printed.out, /^fail/m);
});

test('doctor names the host of the webhook and nothing else of its URL, and warns of a trust without certificate', async () => {
  const terminal = openTerminal();
  writeFileSync(join(terminal.folder, 'ca.pem'), 'nothing');
  const about = async (more: string): Promise<string | undefined> => {
    const webhook = `{ url: "https://hooks.example.com/T0/url-canary"${more} }`;
    writeFileSync(join(terminal.folder, 'sallyport.yaml'), `${GOOD}observe: { webhook: ${webhook} }\n`);
    terminal.printed.out = '';
    await terminal.run('doctor');
    assert.doesNotMatch(terminal.printed.out, /canary/);
    return terminal.printed.out.split('\n').find((line) => line.includes('webhook'));
  };
  assert.match((await about('')) ?? '', /^ok {4}webhook .*hooks\.example\.com, not signed$/);
  assert.match((await about(', trust: ca.pem')) ?? '', /^warn {2}webhook .*ca\.pem holds no certificate/);
});

test('doctor fails where an authority or a revocation list of clients has ended, and warns before', async () => {
  const terminal = openTerminal();
  const write = (name: string, text: string): void => writeFileSync(join(terminal.folder, name), text);
  const root = authority('Root');
  const about = async (crl?: string): Promise<string[]> => {
    if (crl !== undefined) write('root.crl', crl);
    const entry = `{ name: devices, ca: root.crt, hosts: [localhost]${crl === undefined ? '' : ', crl: root.crl'} }`;
    write('sallyport.yaml', `${GOOD}authenticate: { certificate: [${entry}] }\n`);
    terminal.printed.out = '';
    await terminal.run('doctor');
    return terminal.printed.out.split('\n').filter((line) => /^\w+ +clients /.test(line));
  };
  write('root.crt', root.certificate);
  assert.match((await about()).join(), /^ok +clients +client certificates devices: authorities until \S+$/);
  const lists = await about(revocationList(root, [], NOW + days(9)));
  assert.match(lists.join(), /^ok +clients .*, revocation lists until \S+$/);
  const near = await about(revocationList(root, [], NOW + days(1), NOW - days(29)));
  assert.match(near.join(), /^warn +clients .*is out of date from /);
  assert.match(
    (await about(revocationList(root, [], NOW - 1000))).join(),
    /^fail +clients .*is out of date since /,
  );
  write('root.crt', authority('Root', { notAfterMs: NOW + days(3) }).certificate);
  assert.match((await about()).join(), /^warn +clients .*the authority CN=Root ends /);
  write('root.crt', authority('Root', { notAfterMs: NOW - 1000 }).certificate);
  assert.match((await about()).join(), /^fail +clients .*the authority CN=Root ended on /);
  write('root.crt', 'nothing');
  assert.match((await about()).join(), /^fail +clients .*root\.crt holds no PEM block CERTIFICATE$/);
});

test('a runtime below the floor of its line is named', () => {
  assert.equal(runtimeFloor('24.22.2'), '24.22.3');
  assert.equal(runtimeFloor('24.22.3'), undefined);
  assert.equal(runtimeFloor('24.23.0'), undefined);
  assert.equal(runtimeFloor('26.10.0'), '26.13.1');
  assert.equal(runtimeFloor('26.13.1'), undefined);
  assert.equal(runtimeFloor('25.9.9'), '26.13.1');
  assert.equal(runtimeFloor('27.0.0'), undefined);
});
