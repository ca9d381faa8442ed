import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { authority, days, leaf, NOW } from '../fixtures/certificates/pki.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const MAIN = resolve(import.meta.dirname, '../../src/main.ts');

interface Told {
  readonly verdict: string;
  readonly check: string;
  readonly text: string;
}

function doctor(folder: string, file: string): Promise<readonly Told[]> {
  return new Promise((done, failed) => {
    const child = spawn(process.execPath, [MAIN, 'doctor', '-c', file, '--json'], { cwd: folder });
    let text = '';
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    child.on('error', failed);
    child.on('close', () => done(JSON.parse(text)));
  });
}

/** Writes the configuration of a gateway with the admin port that it got. */
function fixedAdmin({ folder, admin }: TestGateway): string {
  const yaml = readFileSync(join(folder, 'sallyport.yaml'), 'utf8');
  const file = join(folder, 'asked.yaml');
  writeFileSync(file, yaml.replace('admin: "127.0.0.1:0"', `admin: "127.0.0.1:${new URL(admin).port}"`));
  return file;
}

test('doctor asks a running gateway for the certificates that no file shows, and warns before one ends', async (t) => {
  const house = await startTestGateway({
    yaml: 'certificates: [{ name: site, uploaded: true }, { name: localhost, dev: { names: [localhost] } }]\n',
  });
  t.after(() => house.close());
  const root = authority('Root');
  const pair = leaf(root, ['site.test'], { notAfterMs: NOW + days(3) });
  await house.call('PUT', '/v1/certificates/site', { certificate: pair.certificate, key: pair.keyPem });
  const told = (await doctor(house.folder, fixedAdmin(house))).filter(({ check }) => check === 'certificate');
  assert.deepEqual(
    told.map(({ verdict, text }) => [verdict, text.split(' ')[0]]),
    [
      ['ok', 'localhost'],
      ['warn', 'site'],
    ],
  );
});

test('what is stored and cannot be served is in the list, in the readiness and in what doctor says', async (t) => {
  const first = await startTestGateway({
    yaml: 'certificates: [{ name: localhost, dev: { names: [localhost] } }]\n',
  });
  t.after(() => rmSync(first.folder, { recursive: true, force: true }));
  const root = authority('Root');
  const [pair, own] = [leaf(root, ['site.test']), leaf(root, ['site.test'])];
  await first.call('PUT', '/v1/certificates/site', { certificate: pair.certificate, key: pair.keyPem });
  await first.gateway.close();
  writeFileSync(join(first.folder, 'own.crt'), own.certificate);
  writeFileSync(join(first.folder, 'own.key'), own.keyPem, { mode: 0o600 });
  const second = await startTestGateway({
    folder: first.folder,
    yaml: `certificates:
  - { name: localhost, dev: { names: [localhost] } }
  - { name: own, files: { certificate: own.crt, key: own.key } }
`,
  });
  t.after(() => second.close());
  const list = await second.call('GET', '/v1/certificates');
  const site = (Array.isArray(list.body) ? list.body : []).find(({ name }) => name === 'site');
  assert.deepEqual([site?.source, site?.served, site?.names], ['uploaded', false, ['site.test']]);
  assert.match(site?.problems[0], /^name-taken: site\.test is already served by the certificate own/);
  const { body } = await second.call('GET', '/v1/readiness');
  assert.match(JSON.stringify(body), /stored certificates are not served, .*: site"/);
  const told = await doctor(second.folder, fixedAdmin(second));
  assert.ok(
    told.some(({ verdict, text }) => verdict === 'warn' && /^site is stored and not served: /.test(text)),
  );
});
