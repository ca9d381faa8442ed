import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { clientHello, greet, record } from '../support/client-hello.ts';
import { clientAuthority, clientLeaf, revocationList, type Shown } from '../support/client-pki.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { allWalks } from '../support/walks.ts';

const folder = mkdtempSync(join(tmpdir(), 'sallyport-clients-'));
const file = (name: string): string => join(folder, name);
const root = clientAuthority('Device Root');
const other = clientAuthority('Other Root');
const good = clientLeaf(root, { subject: 'device-7', emails: ['Seven@Example.COM'] });
const revoked = clientLeaf(root, { subject: 'device-8', emails: ['eight@example.com'] });
const late = clientLeaf(root, {
  subject: 'device-9',
  notBeforeMs: Date.now() - 7200_000,
  notAfterMs: Date.now() - 3600_000,
});
const server = clientLeaf(root, { subject: 'device-10', usages: ['1.3.6.1.5.5.7.3.1'] });
const foreign = clientLeaf(other, { subject: 'device-7' });
const twoNames = clientLeaf(root, { subject: 'two', emails: ['a@example.com', 'b@example.com'] });
const BAD: Readonly<Record<string, Shown>> = { revoked, late, server, foreign };

const yaml = (more = ''): string => `
authenticate:
  certificate:
    - { name: devices, ca: "${file('root.crt')}", crl: "${file('root.crl')}", hosts: [strict.localhost], groups: [devices] }
    - { name: staff, ca: "${file('root.crt')}", crl: "${file('root.crl')}", hosts: [soft.localhost], mode: optional, identity: san-email, users: { "Seven@example.com": seven } }
${more}
routes:
  - { host: strict.localhost, upstream: "internal:whoami", accept: [certificate], allow: { groups: [devices] } }
  - { host: soft.localhost, upstream: "internal:whoami", public: true }
  - { host: soft.localhost, path: /known, upstream: "internal:whoami", accept: [certificate], allow: { users: [seven] } }
  - { host: [localhost, open.localhost], upstream: "internal:whoami", public: true }
`;
let house: TestGateway;

before(async () => {
  writeFileSync(file('root.crt'), root.certificate);
  writeFileSync(file('root.crl'), revocationList(root, [revoked.cert]));
  house = await startTestGateway({ yaml: yaml() });
});
after(async () => {
  await house.close();
  rmSync(folder, { recursive: true, force: true });
});

interface Heard {
  /** 0: no answer. */
  readonly status: number;
  readonly text: string;
  readonly reused: boolean;
  /** The latest ticket. */
  readonly session: Buffer | undefined;
}

/** Makes one connection and asks once. */
async function visit(
  host: string,
  options: ConnectionOptions & { readonly path?: string; readonly field?: string } = {},
  at: TestGateway = house,
): Promise<Heard> {
  const { path = '/', field = '', ...tls } = options;
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: at.port,
    servername: host,
    ca: at.ca,
    ALPNProtocols: ['http/1.1'],
    ...tls,
  });
  let text = '';
  let session: Buffer | undefined;
  let reused = false;
  socket.on('session', (one) => {
    session = one;
  });
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.once('secureConnect', () => {
    reused = socket.isSessionReused();
    socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${field}\r\n`);
  });
  await once(socket, 'close').catch(() => undefined);
  return {
    status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? 0),
    text,
    reused,
    session,
  };
}

test('a host that requires a certificate lets in who shows a good one, and tells its upstream which', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { status, text } = await visit('strict.localhost', { ...good, maxVersion });
    assert.equal(status, 200, text);
    assert.match(text, /"x-forwarded-user",\s*"device-7"/);
    assert.match(text, /"x-forwarded-groups",\s*"devices"/);
    const fingerprint = new X509Certificate(good.cert).fingerprint256.replaceAll(':', '').toLowerCase();
    assert.ok(
      text.includes(`fingerprint=${fingerprint};subject=CN%3Ddevice-7;email=Seven@example.com`),
      text,
    );
  }
});

test('without a certificate, or with a bad one, there is no connection to such a host', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    assert.equal((await visit('strict.localhost', { maxVersion })).status, 0);
    for (const [name, shown] of Object.entries(BAD)) {
      assert.equal(
        (await visit('strict.localhost', { ...shown, maxVersion })).status,
        0,
        `${name} ${maxVersion}`,
      );
    }
  }
});

test('where it is optional, nobody is kept out for lack of one, a bad one is refused where it counts, and only listed users come in', async () => {
  assert.equal((await visit('soft.localhost')).status, 200);
  assert.equal((await visit('soft.localhost', { path: '/known' })).status, 401);
  const known = await visit('soft.localhost', { ...good, path: '/known' });
  assert.match(known.text, /"x-forwarded-user",\s*"seven"/);
  for (const [name, shown] of Object.entries({ ...BAD, twoNames })) {
    const { status, text } = await visit('soft.localhost', { ...shown, path: '/known' });
    // A client does not show what the named authorities did not sign.
    assert.equal(status, 401, `${name}: ${text}`);
    const open = await visit('soft.localhost', { ...shown });
    assert.equal(open.status, 200);
    assert.equal(open.text.includes('x-sallyport-client-certificate'), name === 'twoNames', name);
  }
});

test('what a client writes about its certificate never reaches an upstream', async () => {
  const field = 'X-Sallyport-Client-Certificate: fingerprint=forged\r\nX-Client-Cert: 1\r\n';
  for (const [host, shown] of [
    ['open.localhost', {}],
    ['soft.localhost', {}],
    ['soft.localhost', good],
  ] as const) {
    const { text, status } = await visit(host, { ...shown, field });
    assert.equal(status, 200);
    assert.ok(!text.includes('fingerprint=forged') && !text.includes('x-client-cert'), text);
  }
});

/** Whether a TLS 1.2 server asks for a certificate, by the message that it sends in clear text. */
async function asks(name: string): Promise<boolean> {
  const heard = await greet(house.port, [record(clientHello({ name: Buffer.from(name) }))]);
  assert.ok(heard.includes('localhost'), name);
  return heard.includes('Device Root');
}

test('visitors of other hosts are never asked for a certificate, in whatever spelling', async () => {
  for (const name of ['strict.localhost', 'STRICT.localhost.', 'soft.LocalHost'])
    assert.equal(await asks(name), true, name);
  for (const name of ['open.localhost', 'localhost', 'OPEN.localhost.'])
    assert.equal(await asks(name), false, name);
});

test('a ClientHello in any pieces is asked all the same', async () => {
  const hello = clientHello({ name: Buffer.from('strict.localhost') });
  const whole = record(hello);
  for (let at = 1; at < whole.length; at += 7) {
    const heard = await greet(house.port, [whole.subarray(0, at), whole.subarray(at)]);
    assert.ok(heard.includes('Device Root'), `cut at ${at}`);
  }
  const bytes = [...hello].map((byte) => record(Buffer.from([byte])));
  assert.ok((await greet(house.port, bytes)).includes('Device Root'));
});

test('a connection made for one host does not reach another that asks differently, on any way', async () => {
  const doors = [
    { serverName: 'open.localhost', hosts: ['strict.localhost', 'soft.localhost'] },
    { serverName: 'soft.localhost', hosts: ['strict.localhost', 'open.localhost'] },
    { serverName: 'strict.localhost', hosts: ['soft.localhost', 'open.localhost'] },
  ];
  for (const { serverName, hosts } of doors) {
    for (const walk of allWalks({ port: house.port, ca: house.ca, serverName, client: good })) {
      for (const host of hosts) {
        const { status } = await walk.ask({ host });
        assert.equal(status, 421, `${walk.name}: ${serverName} then ${host}`);
      }
      if (!walk.name.startsWith('WebSocket')) {
        assert.equal((await walk.ask({ host: serverName })).status, 200, `${walk.name}: ${serverName}`);
      }
      walk.close();
    }
  }
});

test('a session resumed from another host never stands for a certificate', async () => {
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const open = await visit('open.localhost', { maxVersion });
    assert.ok(open.session !== undefined, maxVersion);
    const again = await visit('open.localhost', { maxVersion, session: open.session });
    assert.equal(again.reused, true, `${maxVersion}: resumed where nothing is asked`);
    for (const shown of [{}, good]) {
      const strict = await visit('strict.localhost', { maxVersion, session: open.session, ...shown });
      assert.equal(strict.reused, false);
      assert.equal(strict.status, 'cert' in shown ? 200 : 0);
      const soft = await visit('soft.localhost', {
        maxVersion,
        session: open.session,
        path: '/known',
        ...shown,
      });
      assert.equal(soft.status, 'cert' in shown ? 200 : 401);
    }
    const mine = await visit('strict.localhost', { maxVersion, ...good });
    if (mine.session !== undefined) {
      for (const host of ['strict.localhost', 'soft.localhost']) {
        const resumed = await visit(host, { maxVersion, session: mine.session, path: '/known' });
        assert.notEqual(resumed.status, 200, `${host} ${maxVersion}`);
      }
    }
  }
});

test('new authorities and revocation lists count at once, on open connections and resumed sessions too', async () => {
  const before = await visit('strict.localhost', good);
  const raw = allWalks({ port: house.port, ca: house.ca, serverName: 'strict.localhost', client: good });
  for (const walk of raw.slice(0, 2))
    assert.equal((await walk.ask({ host: 'strict.localhost' })).status, 200);
  writeFileSync(file('root.crl'), revocationList(root, [revoked.cert, good.cert]));
  await house.gateway.reload();
  for (const walk of raw.slice(0, 2))
    assert.notEqual((await walk.ask({ host: 'strict.localhost' })).status, 200, walk.name);
  for (const walk of raw) walk.close();
  assert.equal(
    (await visit('strict.localhost', { ...good, ...(before.session && { session: before.session }) })).status,
    0,
  );
  assert.equal((await visit('soft.localhost', { ...good, path: '/known' })).status, 401);
  writeFileSync(file('root.crl'), revocationList(root, [], Date.now() - 1000));
  await house.gateway.reload();
  assert.equal(
    (await visit('strict.localhost', good)).status,
    0,
    'a list that is out of date refuses everybody',
  );
  writeFileSync(file('root.crl'), revocationList(root, []));
  writeFileSync(file('root.crt'), other.certificate);
  await assert.doesNotReject(house.gateway.reload());
  assert.equal((await visit('strict.localhost', good)).status, 0, 'the authority is another one');
  writeFileSync(file('root.crt'), root.certificate);
  await house.gateway.reload();
  assert.equal((await visit('strict.localhost', good)).status, 200);
});

test('an authority that is none is refused by name, and the running demand goes on', async () => {
  writeFileSync(file('root.crt'), good.cert);
  await assert.rejects(house.gateway.reload(), (error: { problems?: readonly string[] }) =>
    /devices.*no authority/.test(error.problems?.join() ?? ''),
  );
  assert.equal((await visit('strict.localhost')).status, 0);
  assert.equal((await visit('strict.localhost', good)).status, 200);
  writeFileSync(file('root.crt'), root.certificate);
});

test('another process resumes a session, but never one of another host where a certificate is asked', async (t) => {
  const second = await startTestGateway({ yaml: yaml(), folder: house.folder });
  t.after(() => second.close());
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const { session } = await visit('open.localhost', { maxVersion });
    assert.ok(session !== undefined);
    assert.equal((await visit('open.localhost', { maxVersion, session }, second)).reused, true, maxVersion);
    const strict = await visit('strict.localhost', { maxVersion, session }, second);
    assert.deepEqual([strict.status, strict.reused], [0, false]);
    const soft = await visit('soft.localhost', { maxVersion, session, path: '/known' }, second);
    assert.deepEqual([soft.status, soft.reused], [401, false]);
    const mine = await visit('strict.localhost', { maxVersion, ...good });
    if (mine.session === undefined) continue;
    assert.equal((await visit('strict.localhost', { maxVersion, session: mine.session }, second)).status, 0);
  }
});
