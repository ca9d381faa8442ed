import assert from 'node:assert/strict';
import { createPrivateKey, randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseConfig, readConfig } from '../../src/config/load.ts';
import { printConfig } from '../../src/config/print.ts';
import type { Fields } from '../support/echo-upstream.ts';
import { pairMaker } from '../support/fresh-pair.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { openTls } from '../support/raw-tls.ts';
import { type RawUpstream, startRawUpstream } from '../support/raw-upstream.ts';
import { allWalks, type Walk } from '../support/walks.ts';

/** One secret of each kind; nothing but chance could make another text contain one. */
const SECRETS = {
  password: '',
  wrongPassword: '',
  bearer: '',
  cookie: '',
  sessionCookie: '',
  query: '',
  body: '',
  userinfo: '',
  apiKey: '',
  statePassword: '',
  tokenSecret: '',
  adminGuess: '',
  passphrase: '',
  trailer: '',
};
type Kind = keyof typeof SECRETS;
const secret = (kind: Kind): string => {
  SECRETS[kind] ||= `canary${kind}${randomBytes(16).toString('hex')}`;
  return SECRETS[kind];
};

let upstream: RawUpstream;
let house: TestGateway;
/** A second gateway, whose state cannot be reached. */
let stateless: TestGateway;
let walks: readonly Walk[];
let lonely: readonly Walk[];
/** Every text that anybody outside the gateway got to read. */
const told: string[] = [];
const keyLines: string[] = [];

before(async () => {
  upstream = await startRawUpstream((head, socket) => {
    if (head.includes('/broken')) socket.end('nonsense\r\n\r\n');
    else if (head.includes('/cut')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf');
    else socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nfine');
  });
  house = await startTestGateway({
    yaml: `authenticate:
  basic: { realm: Test }
  token: [{ issuer: "https://issuer.test", audience: gateway, algorithms: [HS256], key: { secret: { env: TOKEN_SECRET } } }]
observe: { level: debug }
upstreams:
  down: { targets: ["http://127.0.0.1:1"] }
routes:
  - { host: localhost, upstream: "${upstream.url}", allow: authenticated }
  - { host: localhost, path: /public, upstream: "${upstream.url}", public: true }
  - { host: localhost, path: /nobody, upstream: "${upstream.url}" }
  - { host: localhost, path: /down, upstream: down, public: true }
`,
    env: { TOKEN_SECRET: secret('tokenSecret') },
  });
  stateless = await startTestGateway({
    yaml: `authenticate: { basic: { realm: Test } }
observe: { level: debug }
routes: [{ host: localhost, upstream: "internal:whoami", allow: authenticated }]
`,
    state: `redis://gate:${secret('statePassword')}@127.0.0.1:1/0`,
  });
  await house.call('PUT', '/v1/users/alice', { password: secret('password') });
  walks = allWalks(house);
  lonely = allWalks(stateless).filter(({ name }) => !name.includes('WebSocket'));
});
after(async () => {
  for (const walk of [...walks, ...lonely]) walk.close();
  await house.close();
  await stateless.close();
  await upstream.close();
});

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const credentials = (): Fields[] => [
  [['authorization', basic('alice', secret('password'))]],
  [['authorization', basic('nobody', secret('wrongPassword'))]],
  [['authorization', basic(secret('wrongPassword'), secret('wrongPassword'))]],
  [['authorization', `Bearer ${secret('bearer')}`]],
  [
    [
      'authorization',
      `Bearer eyJhbGciOiJIUzI1NiJ9.${Buffer.from(`{"sub":"${secret('bearer')}"}`).toString('base64url')}.x`,
    ],
  ],
  [['authorization', `Digest username="${secret('bearer')}"`]],
  [
    ['authorization', `Bearer ${secret('bearer')}`],
    ['authorization', basic('alice', secret('password'))],
  ],
  [['cookie', `__Host-sallyport=${secret('sessionCookie')}; theme=${secret('cookie')}`]],
  [['x-api-key', secret('apiKey')]],
  [
    ['proxy-authorization', basic('alice', secret('password'))],
    ['x_bad', secret('cookie')],
  ],
];

test('requests of every outcome, with secrets wherever a secret can stand', async () => {
  const paths = [
    '/',
    '/public',
    '/public/broken',
    '/public/cut',
    '/nobody',
    '/down',
    '/.sallyport/token',
    '/.sallyport/whoami',
    '/a%2fb',
  ];
  const statuses = new Set<number>();
  for (const walk of walks) {
    for (const fields of credentials()) {
      for (const path of paths) {
        const target = `${path}?access_token=${secret('query')}`;
        const answer = await walk.ask({ target, fields });
        statuses.add(answer.status);
        told.push(answer.text);
        if (walk.name.includes('WebSocket')) continue;
        const sent = await walk.ask({
          method: 'POST',
          target,
          fields,
          body: secret('body'),
          trailers: [['x', secret('trailer')]],
        });
        told.push(sent.text);
      }
    }
    for (const host of [`u:${secret('userinfo')}@localhost`, `${secret('userinfo')}@localhost`]) {
      told.push((await walk.ask({ host })).text);
      told.push((await walk.ask({ target: `https://u:${secret('userinfo')}@localhost/` })).text);
    }
  }
  for (const status of [200, 400, 401, 403, 502])
    assert.ok(statuses.has(status), `${status}: ${[...statuses]}`);
  for (const walk of lonely) {
    for (const fields of credentials().slice(0, 4)) told.push((await walk.ask({ fields })).text);
  }
  const raw = await openTls(house);
  raw.write(`GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${secret('bearer')}\0\r\n\r\n`);
  await raw.until(() => raw.closed, 500);
  told.push(raw.received);
  raw.close();
});

interface Call {
  readonly authorization: string;
  readonly body?: string;
  readonly at?: TestGateway;
}

function admin(method: string, path: string, { authorization, body, at = house }: Call): Promise<void> {
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, at.admin),
      {
        method,
        ca: at.ca,
        agent: false,
        headers: { authorization, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      },
      (answer) => {
        answer.on('data', (chunk: Buffer) => told.push(chunk.toString()));
        answer.on('end', resolve);
      },
    );
    call.on('error', reject);
    call.end(body);
  });
}

test('calls of the admin API of every outcome, with secrets in them', async () => {
  const pair = pairMaker(['localhost']).make();
  const other = pairMaker(['localhost']).make();
  keyLines.push(
    ...[pair, other].flatMap(({ key }) =>
      key.split('\n').filter((line) => /^[A-Za-z0-9+/=]{24,}$/.test(line)),
    ),
  );
  keyLines.push(
    createPrivateKey(pair.key).export({ type: 'pkcs8', format: 'der' }).toString('base64').slice(60, 110),
  );
  const good = `Bearer ${house.adminToken}`;
  const json = (value: unknown): string => JSON.stringify(value);
  const bodies: readonly (readonly [string, string, string])[] = [
    ['PUT', '/v1/users/alice', json({ password: secret('password') })],
    ['PUT', '/v1/users/alice', `{"password": "${secret('password')}"`],
    ['PUT', '/v1/users/alice', json({ password: secret('password'), groups: 5 })],
    ['PUT', '/v1/users/alice', json({ password: [secret('password')] })],
    ['PUT', '/v1/certificates/localhost', json({ certificate: pair.certificate, key: other.key })],
    ['PUT', '/v1/certificates/localhost', json({ certificate: pair.key, key: pair.key })],
    [
      'PUT',
      '/v1/certificates/localhost',
      json({ certificate: pair.certificate, key: pair.key.replace('PRIVATE', 'PUBLIC') }),
    ],
    ['PUT', '/v1/certificates/localhost', json({ certificate: pair.certificate, key: pair.key })],
    ['PUT', '/v1/certificates/localhost', json({ pkcs12: 'AAAA', passphrase: secret('passphrase') })],
    ['POST', '/v1/revocations', json({ jti: secret('bearer'), more: secret('bearer') })],
    ['POST', '/v1/reload', ''],
  ];
  for (const [method, path, body] of bodies) await admin(method, path, { authorization: good, body });
  for (const path of [
    'certificates',
    'users',
    'sessions',
    'routes',
    'upstreams',
    'audit',
    'config',
    'explain?method=GET&url=https://localhost/',
  ]) {
    await admin('GET', `/v1/${path}`, { authorization: good });
  }
  for (const path of ['/metrics', '/healthz', '/readyz', '/openapi.json'])
    await admin('GET', path, { authorization: good });
  for (const wrong of [
    `Bearer ${secret('adminGuess')}`,
    basic('admin', secret('adminGuess')),
    secret('adminGuess'),
  ]) {
    await admin('GET', '/v1/users', { authorization: wrong });
    await admin('PUT', '/v1/users/alice', {
      authorization: wrong,
      body: json({ password: secret('password') }),
    });
  }
  assert.ok(
    told.some((text) => text.includes('sallyport_')),
    'there are metrics',
  );
});

/** The spellings in which a secret could stand somewhere. */
function spellingsOf(value: string): string[] {
  const bytes = Buffer.from(value);
  // Base64 of a text inside another one has three forms, without the letters that its neighbours share.
  const inside = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString('base64')
      .slice(4, -4),
  );
  return [
    value,
    bytes.toString('hex'),
    ...inside,
    ...inside.map((text) => text.replaceAll('+', '-').replaceAll('/', '_')),
  ];
}

test('no secret stands in the log, in the metrics, in an answer or in the printed configuration', async () => {
  const { config } = readConfig(join(house.folder, 'sallyport.yaml'), {
    TOKEN_SECRET: secret('tokenSecret'),
  });
  const other = readConfig(join(stateless.folder, 'sallyport.yaml'), {});
  assert.ok(config !== undefined && other.config !== undefined);
  const places = {
    log: JSON.stringify([await house.log(), await stateless.log()]),
    answers: told.join('\n'),
    config: JSON.stringify([printConfig(config), printConfig(other.config)]),
    'a config with an error': JSON.stringify(
      readConfigText(`state: "redis://gate:${secret('statePassword')}@127.0.0.1:port/0"\n`),
    ),
  };
  assert.ok(places.log.length > 10_000 && places.answers.length > 10_000);
  const token = { adminToken: house.adminToken, otherToken: stateless.adminToken };
  for (const [kind, value] of Object.entries({ ...SECRETS, ...token })) {
    assert.ok(value.length > 20, `${kind} was never used`);
    for (const [place, text] of Object.entries(places)) {
      for (const spelling of spellingsOf(value)) {
        const at = text.indexOf(spelling);
        assert.equal(at, -1, `${kind} in ${place}: ${text.slice(Math.max(0, at - 200), at + 100)}`);
      }
    }
  }
  for (const [place, text] of Object.entries(places)) {
    for (const line of keyLines) assert.ok(!text.includes(line), `a private key in ${place}`);
  }
});

function readConfigText(text: string): unknown {
  const { problems } = parseConfig(text, { file: 'sallyport.yaml', env: {} });
  assert.ok(problems.length > 0);
  return problems;
}

test('what the gateway keeps for itself is readable for its owner only', () => {
  for (const file of ['data/admin-token', 'data/dev-ca.key']) {
    assert.ok(readFileSync(join(house.folder, file)).length > 0);
    if (process.platform !== 'win32') assert.equal(statSync(join(house.folder, file)).mode & 0o077, 0, file);
  }
});
