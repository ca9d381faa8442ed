import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import { authority, days, leaf, NOW } from '../fixtures/certificates/pki.ts';
import { startTestGateway } from '../support/gateway.ts';

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

test('doctor asks a running gateway for the certificates that no file shows, and warns before one ends', async (t) => {
  const house = await startTestGateway({
    yaml: 'certificates: [{ name: site, uploaded: true }, { name: localhost, dev: { names: [localhost] } }]\n',
  });
  t.after(() => house.close());
  const root = authority('Root');
  const pair = leaf(root, ['site.test'], { notAfterMs: NOW + days(3) });
  await house.call('PUT', '/v1/certificates/site', { certificate: pair.certificate, key: pair.keyPem });
  const yaml = readFileSync(join(house.folder, 'sallyport.yaml'), 'utf8');
  const file = join(house.folder, 'asked.yaml');
  writeFileSync(
    file,
    yaml.replace('admin: "127.0.0.1:0"', `admin: "127.0.0.1:${new URL(house.admin).port}"`),
  );
  const told = (await doctor(house.folder, file)).filter(({ check }) => check === 'certificate');
  assert.deepEqual(
    told.map(({ verdict, text }) => [verdict, text.split(' ')[0]]),
    [
      ['ok', 'localhost'],
      ['warn', 'site'],
    ],
  );
});
