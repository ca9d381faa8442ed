import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls';
import { house as certificateHouse } from '../fixtures/certificates/house.ts';
import { clientHello, greet, record } from '../support/client-hello.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openH2 } from '../support/raw-h2.ts';
import { answersIn, openTls } from '../support/raw-tls.ts';
import { http2Fields } from '../support/walks.ts';

const OPEN = ['open.test', 'a.open.test', 'other.test'];
const STRICT = ['strict.test', 'a.strict.test'];
let house: TestGateway;

before(async () => {
  house = await startTestGateway({
    yaml: `certificates:
  - { name: open, dev: { names: [open.test, "*.open.test"] } }
  - { name: other, dev: { names: [other.test] } }
  - { name: strict, dev: { names: [strict.test, "*.strict.test"] }, tls: modern }
routes:
  - { host: [${[...OPEN, ...STRICT].join(', ')}], upstream: "internal:whoami", public: true }
`,
  });
});
after(() => house.close());

interface Shaken {
  readonly names: string;
  readonly protocol: string;
}

/** Shakes hands, trusting anybody, and asks once; `undefined` when the server refuses, then or right after. */
async function shake(
  serverName: string | undefined,
  more: ConnectionOptions = {},
): Promise<Shaken | undefined> {
  const socket: TLSSocket = connect({
    host: '127.0.0.1',
    port: house.port,
    rejectUnauthorized: false,
    ...(serverName === undefined ? {} : { servername: serverName }),
    ...more,
  });
  socket.on('error', () => {});
  const shaken = await Promise.race([
    once(socket, 'secureConnect').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(
      () => false,
      () => false,
    ),
  ]);
  if (!shaken) return undefined;
  const found = {
    names: socket.getPeerCertificate().subjectaltname ?? '',
    protocol: socket.getProtocol() ?? '',
  };
  socket.write('GET /.sallyport/none HTTP/1.1\r\nHost: open.test\r\n\r\n');
  const answered = await Promise.race([
    once(socket, 'data').then(
      () => true,
      () => false,
    ),
    once(socket, 'close').then(
      () => false,
      () => false,
    ),
  ]);
  socket.destroy();
  return answered ? found : undefined;
}

const spellings = (name: string): string[] => [
  name,
  name.toUpperCase(),
  `${name}.`,
  `${name.toUpperCase()}.`,
  [...name].map((letter, i) => (i % 2 === 0 ? letter.toUpperCase() : letter)).join(''),
];

test('a server name has the same certificate and the same policy in every spelling', async () => {
  for (const name of [...OPEN, ...STRICT]) {
    const own = name.split('.').slice(-2).join('.');
    for (const spelling of spellings(name)) {
      const found = await shake(spelling);
      assert.ok(found?.names.includes(`DNS:${own}`), `${spelling}: ${found?.names}`);
      const old = await shake(spelling, { maxVersion: 'TLSv1.2' });
      assert.equal(old?.protocol, STRICT.includes(name) ? undefined : 'TLSv1.2', `${spelling} over TLS 1.2`);
    }
  }
});

test('an absent, unknown or malformed server name gets no certificate', async () => {
  assert.equal(await shake(undefined), undefined);
  for (const name of [
    'nowhere.test',
    'a.b.open.test',
    'open.test.evil',
    '*.open.test',
    'xn--open-test',
    '_',
    '-',
    '..',
    'strict',
  ]) {
    assert.equal(await shake(name), undefined, name);
  }
});

/** Names that are none, and some that are: what a scanner sends. */
function hostile(i: number): Buffer {
  const letters = (length: number): string => randomBytes(length).toString('base64url').slice(0, length);
  switch (i % 12) {
    case 0:
      return randomBytes(1 + (i % 200));
    case 1:
      return Buffer.from(`${letters(12)}.open.test`);
    case 2:
      return Buffer.from('a'.repeat(1 + ((i * 7) % 4000)));
    case 3:
      return Buffer.from(`open.test\0${letters(4)}`, 'latin1');
    case 4:
      return Buffer.from(`b\u00fccher-${letters(4)}.open.test`);
    case 5:
      return Buffer.from(['127.0.0.1', '::1', '[::1]', '1.2.3.4.5', '0x7f.1'][i % 5] ?? '');
    case 6:
      return Buffer.from(`${'a.'.repeat(i % 130)}test`);
    case 7:
      return Buffer.from(
        ['', '.', '..', '*', '*.test', ' ', '\t', '/', '\\', '%00', '__proto__', 'constructor'][i % 12] ?? '',
      );
    case 8:
      return Buffer.from(`\u212a${letters(3)}.test`);
    case 9:
      return Buffer.from(`xn--${letters(10)}.test`);
    case 10:
      return Buffer.from(`${letters(8)}.${letters(8)}.${letters(3)}`);
    default:
      return Buffer.from([0xff, 0xfe, 0xc0, 0x80, i & 255]);
  }
}

const openSockets = (): number =>
  process.getActiveResourcesInfo().filter((kind) => kind.startsWith('TCPSocket') || kind === 'TLSWrap')
    .length;

test('two thousand handshakes with hostile server names leave the process alive and hold no socket', async () => {
  await greet(house.port, [record(clientHello({ name: Buffer.from('open.test') }))]);
  const before = openSockets();
  let refused = 0;
  for (let i = 0; i < 2_000; i += 20) {
    const heard = await Promise.all(
      Array.from({ length: 20 }, (_, k) =>
        greet(house.port, [record(clientHello({ name: hostile(i + k) }))]),
      ),
    );
    refused += heard.filter((text) => !text.includes('.test')).length;
  }
  assert.ok(refused >= 1_600, `${refused} refused`);
  for (let i = 0; i < 50 && openSockets() > before + 2; i++)
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(openSockets() <= before + 2, `${openSockets()} sockets, ${before} before`);
  assert.ok((await shake('open.test')) !== undefined);
});

test('a hundred thousand hostile names find nothing, throw nothing and are not remembered', async (t) => {
  const keeper = await (await certificateHouse(t)).open([
    {
      name: 'open',
      tls: undefined,
      source: { kind: 'dev', keyType: 'ecdsa', names: ['open.test', '*.open.test'] },
    },
  ]);
  let found = 0;
  for (let i = 0; i < 100_000; i++) {
    const name = hostile(i).toString(i % 2 === 0 ? 'latin1' : 'utf8');
    if (keeper.find(name) !== undefined) found++;
    assert.equal(typeof keeper.policyOf(name), 'string');
  }
  assert.ok(found > 0 && found < 20_000, `${found} found`);
});

test('a host is not reached over a connection that was made under another policy', async () => {
  const hosts = [...OPEN, ...STRICT];
  for (const serverName of hosts) {
    const raw = await openTls(house, { serverName });
    const h2 = await openH2(house, serverName);
    for (const [i, host] of [...hosts, ...hosts.map((name) => `${name.toUpperCase()}.:443`)].entries()) {
      const strict = STRICT.includes(hosts[i % hosts.length] ?? '');
      const expected = strict === STRICT.includes(serverName) ? 200 : 421;
      raw.received = '';
      raw.write(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
      await raw.until(() => answersIn(raw).length > 0);
      assert.equal(answersIn(raw)[0]?.status, expected, `HTTP/1.1, ${serverName} then ${host}`);
      const { status } = await h2.ended(h2.open(http2Fields({ host })));
      assert.equal(status, expected, `HTTP/2, ${serverName} then ${host}`);
    }
    for (const host of ['nowhere.test', '127.0.0.1', '[::1]']) {
      const { status } = await h2.ended(h2.open(http2Fields({ host })));
      assert.ok([404, 421].includes(status), `${serverName} then ${host}: ${status}`);
    }
    raw.close();
    h2.close();
  }
});

test('a ClientHello means the same however it is cut', async () => {
  const hello = clientHello({ name: Buffer.from('oTHer.test.') });
  const expect = async (parts: readonly Buffer[], what: string): Promise<void> => {
    const heard = await greet(house.port, parts);
    assert.ok(
      heard.includes('other.test') && !heard.includes('open.test'),
      `${what}: ${JSON.stringify(heard.slice(0, 60))}`,
    );
  };
  await expect([record(hello)], 'whole');
  const whole = record(hello);
  const cuts = Array.from({ length: whole.length - 1 }, (_, i) => i + 1);
  for (let i = 0; i < cuts.length; i += 10) {
    await Promise.all(
      cuts.slice(i, i + 10).flatMap((at) => {
        const segments = expect([whole.subarray(0, at), whole.subarray(at)], `segments cut at ${at}`);
        if (at >= hello.length) return [segments];
        const records = [record(hello.subarray(0, at)), record(hello.subarray(at))];
        return [
          segments,
          expect([Buffer.concat(records)], `records cut at ${at}`),
          expect(records, `both cut at ${at}`),
        ];
      }),
    );
  }
  await expect(
    [...hello].map((byte) => record(Buffer.from([byte]))),
    'a record for every byte',
  );
});

test('what is older than TLS 1.2, and every weak cipher, is refused', async () => {
  const name = Buffer.from('open.test');
  for (const version of [0x0300, 0x0301, 0x0302]) {
    const heard = await greet(house.port, [
      record(clientHello({ name, version, ciphers: [0xc02b, 0xc02f, 0xc013, 0x2f] })),
    ]);
    assert.ok(!heard.includes('open.test'), `version ${version.toString(16)}`);
  }
  const weak = [
    0x0000, 0x0001, 0x0005, 0x000a, 0x002f, 0x0035, 0x003c, 0x009c, 0x0033, 0x009e, 0xc009, 0xc013, 0xc023,
    0xc027, 0xc011, 0xc007, 0xc018,
  ];
  for (const cipher of weak) {
    const heard = await greet(house.port, [record(clientHello({ name, ciphers: [cipher] }))]);
    assert.ok(!heard.includes('open.test'), `cipher ${cipher.toString(16)}`);
  }
  assert.ok((await greet(house.port, [record(clientHello({ name }))])).includes('open.test'));
});

test('a renegotiation is refused', async () => {
  const socket = connect({
    host: '127.0.0.1',
    port: house.port,
    servername: 'open.test',
    ca: house.ca,
    maxVersion: 'TLSv1.2',
  });
  socket.on('error', () => {});
  await once(socket, 'secureConnect');
  const outcome = await Promise.race([
    new Promise<string>((resolve) => {
      socket.renegotiate({ rejectUnauthorized: false }, (error) =>
        resolve(error === null ? 'renegotiated' : 'refused'),
      );
    }),
    once(socket, 'close').then(
      () => 'closed',
      () => 'closed',
    ),
    new Promise<string>((resolve) => setTimeout(() => resolve('no answer'), 500).unref()),
  ]);
  socket.destroy();
  assert.notEqual(outcome, 'renegotiated');
});
