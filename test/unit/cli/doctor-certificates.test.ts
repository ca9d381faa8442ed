import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Finding } from '../../../src/cli/diagnosis.ts';
import { examineCertificates } from '../../../src/cli/doctor-certificates.ts';
import type { ToldCertificate } from '../../../src/cli/doctor-served.ts';
import { parseConfig } from '../../../src/config/load.ts';
import { authority, days, leaf, NOW } from '../../fixtures/certificates/pki.ts';
import { fingerprint } from '../../fixtures/certificates/uploads.ts';
import { type AdminHouse, openAdminHouse, TOKEN } from '../admin/admin-house.ts';
import { openTerminal, type TestTerminal } from './fake-terminal.ts';

let house: AdminHouse;
before(async () => {
  house = await openAdminHouse();
});
after(() => house.close());

const root = authority('Root');
const pair = leaf(root, ['site.test']);

/** A folder with a configuration that has one certificate in files. */
function terminalWith(chain: string, adminPort: number, token: string | undefined): TestTerminal {
  const terminal = openTerminal();
  mkdirSync(join(terminal.folder, 'data'));
  writeFileSync(join(terminal.folder, 'data', 'dev-ca.crt'), house.ca);
  if (token !== undefined)
    writeFileSync(join(terminal.folder, 'data', 'admin-token'), token, { mode: 0o600 });
  writeFileSync(join(terminal.folder, 'site.crt'), chain);
  writeFileSync(join(terminal.folder, 'site.key'), pair.keyPem);
  chmodSync(join(terminal.folder, 'site.key'), 0o600);
  writeFileSync(
    join(terminal.folder, 'sallyport.yaml'),
    `listen: { https: 127.0.0.1:8443, admin: "127.0.0.1:${adminPort}" }
certificates: [{ name: site, files: { certificate: site.crt, key: site.key } }]
routes: [{ host: site.test, upstream: "http://127.0.0.1:3000", public: true }]
`,
  );
  return terminal;
}

async function doctor(terminal: TestTerminal): Promise<readonly Finding[]> {
  await terminal.run('doctor', '--json');
  const findings: readonly Finding[] = JSON.parse(terminal.printed.out);
  return findings.filter(({ check }) => check === 'certificate');
}

/** Judges a file that holds a chain against what a gateway tells. */
function judged(
  chain: string,
  told: readonly Partial<ToldCertificate>[],
): readonly (readonly [string, string])[] {
  const terminal = terminalWith(chain, 1, undefined);
  const file = join(terminal.folder, 'sallyport.yaml');
  const { config } = parseConfig(
    'listen: { https: 127.0.0.1:8443 }\ncertificates: [{ name: site, files: { certificate: site.crt, key: site.key } }]\n',
    { file, env: {} },
  );
  assert.ok(config !== undefined);
  const whole = { name: 'site', source: 'files', served: true, problems: [], endsAtMs: NOW + days(60) };
  const certificates = told.map((one) => ({ ...whole, fingerprint256: fingerprint(pair), ...one }));
  const findings = examineCertificates(config, certificates, () => NOW);
  rmSync(terminal.folder, { recursive: true });
  return findings.map(({ verdict, text }) => [verdict, text.replaceAll(`${terminal.folder}/`, '')] as const);
}

test('nobody listens, a refused token, a missing token and any other failure are told apart', async () => {
  const last = async (port: number, token: string | undefined): Promise<string> => {
    const found = (await doctor(terminalWith(pair.certificate, port, token))).at(-1);
    return `${found?.verdict} ${found?.text}`;
  };
  assert.match(await last(1, TOKEN), /^ok no gateway answers: only certificates in files/);
  assert.match(await last(1, undefined), /^ok no gateway answers/);
  for (const token of [TOKEN, undefined])
    assert.match(
      await last(0, token),
      /^ok the port of listen\.admin is 0, so it is chosen at the start and cannot be known: only certificates in files/,
    );
  assert.match(
    await last(house.port, 'a-wrong-token-canary-0123456789'),
    /^warn the gateway refuses the admin token: only certificates in files .*; check SALLYPORT_ADMIN_TOKEN/,
  );
  assert.match(
    await last(house.port, undefined),
    /^warn a gateway answers, but there is no admin token to ask it with: .*set SALLYPORT_ADMIN_TOKEN/,
  );
  const other = createServer((socket) => socket.end('no TLS'));
  await new Promise<void>((done) => other.listen(0, '127.0.0.1', done));
  const address = other.address();
  assert.ok(typeof address === 'object' && address !== null);
  assert.match(
    await last(address.port, TOKEN),
    /^warn The gateway did not answer: .*only certificates in files/,
  );
  other.close();
});

test('of a name with a file and an upload the served one is judged, and it is said which one that is', () => {
  const ended = leaf(root, ['site.test'], { notAfterMs: NOW - days(1) });
  assert.deepEqual(judged(ended.certificate, [{ source: 'uploaded' }]), [
    ['ok', `site ends on ${dayAfter(60)}, in 60 days; an upload is served, not site.crt`],
  ]);
  assert.deepEqual(judged(ended.certificate, [{}]), [
    ['ok', `site ends on ${dayAfter(60)}, in 60 days`],
    ['warn', 'site: the gateway does not serve what is in site.crt now; its log says why'],
  ]);
  assert.deepEqual(judged(ended.certificate, []), [['fail', `site ended on ${dayAfter(-1)}`]]);
});

test('what is stored and not served is a warning', () => {
  const problems = ['name-taken: Taken.'];
  const closed = { name: 'old', source: 'uploaded', served: false, endsAtMs: Number.NaN };
  assert.deepEqual(judged(pair.certificate, [{ problems }, { ...closed, problems }]), [
    ['ok', `site ends on ${dayAfter(60)}, in 60 days`],
    ['warn', 'site has an upload that is not served: name-taken: Taken.'],
    ['warn', 'old is stored and not served: name-taken: Taken.'],
  ]);
});

test('an authority of the chain that ends before the certificate is a warning, one that has ended a failure', () => {
  const told = (endsInDays: number): readonly (readonly [string, string])[] => {
    const middle = authority('Middle', { parent: root, notAfterMs: NOW + days(endsInDays) });
    const below = leaf(middle, ['site.test']);
    return judged(below.certificate + middle.certificate + root.certificate, []).slice(1);
  };
  assert.deepEqual(told(90), []);
  assert.deepEqual(told(20), [
    ['warn', `site: "CN=Middle" of its chain ends on ${dayAfter(20)}, before the certificate does`],
  ]);
  assert.deepEqual(told(-2), [['fail', `site: "CN=Middle" of its chain ended on ${dayAfter(-2)}`]]);
});

test('an authority of the chain without a subject is told of too', () => {
  const middle = authority('', { parent: root, notAfterMs: NOW + days(20) });
  const below = leaf(middle, ['site.test']);
  assert.deepEqual(judged(below.certificate + middle.certificate, []).slice(1), [
    ['warn', `site: a nameless authority of its chain ends on ${dayAfter(20)}, before the certificate does`],
  ]);
});

function dayAfter(count: number): string {
  return new Date(NOW + days(count)).toISOString().slice(0, 10);
}
