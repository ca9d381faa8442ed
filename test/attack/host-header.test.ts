import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { after, before, test } from 'node:test';
import { type AttackHouse, openAttackHouse } from '../support/attack-house.ts';
import { fieldOf } from '../support/echo-upstream.ts';
import { openTls, takeAnswer } from '../support/raw-tls.ts';

const EVIL = 'evil.test';
/** Values that are no host and port, or not one that means `localhost` alone. */
const BAD = [
  ...[
    '',
    ' ',
    '"',
    '"localhost"',
    'local"host',
    `localhost;host=${EVIL}`,
    `localhost;proto=http`,
    'localhost;',
  ],
  ...[
    `localhost,${EVIL}`,
    `${EVIL},localhost`,
    'localhost,',
    `user@localhost`,
    `localhost@${EVIL}`,
    '@localhost',
  ],
  ...[
    `localhost:443@${EVIL}`,
    'localhost:',
    'localhost:port',
    'localhost:0',
    'localhost:65536',
    'localhost:-1',
  ],
  ...[
    'localhost:+443',
    'localhost:443:443',
    'localhost:0x1bb',
    'localhost:1e3',
    'localhost: 443',
    'localhost :443',
  ],
  ...[
    'localhost:000443',
    'localhost..',
    '.localhost',
    'local..host',
    'local host',
    'local\thost',
    `localhost/${EVIL}`,
  ],
  ...[
    `localhost?${EVIL}`,
    `localhost#${EVIL}`,
    `localhost\\${EVIL}`,
    `https://localhost`,
    '//localhost',
    '[',
    ']',
  ],
  ...[
    '[localhost]',
    '[::1',
    '[::1]x',
    '[::1%25eth0]',
    '[fe80::1%eth0]',
    '[::g]',
    'localhost%2f',
    'localhost%00',
  ],
  ...[
    'l\xf6calhost',
    '\xe2\x84\xaalocalhost',
    '*',
    '*.localhost',
    '-localhost',
    'localhost-',
    'a'.repeat(64),
  ],
  ...[
    `${'a.'.repeat(130)}localhost`,
    '<script>',
    "localhost'",
    'localhost`',
    '$(x)',
    '{{7*7}}',
    'localhost|x',
  ],
];
/** Bytes that end the field, and with it the line. */
const BREAKS = [
  `localhost\r\nX-Forwarded-User: ${EVIL}`,
  `localhost\nX-Evil: ${EVIL}`,
  'localhost\0',
  'local\rhost',
];

let attack: AttackHouse;
let plainPort = 0;
before(async () => {
  plainPort = await freePort();
  attack = await openAttackHouse(
    (url) => `routes:
  - { host: localhost, upstream: "${url}", public: true }
  - { host: only-deep.localhost, path: /deep, upstream: "${url}", public: true }
`,
    { listen: `http: "127.0.0.1:${plainPort}"` },
  );
});
after(() => attack.close());

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

test('a Host that is not one host and one port is refused on every way in', async () => {
  for (const walk of attack.walks) {
    for (const host of BAD) {
      const told = await walk.ask({ host });
      assert.ok(
        [400, 0].includes(told.status),
        `${walk.name}, ${JSON.stringify(host)}: ${told.status} ${told.text}`,
      );
    }
    for (const host of BREAKS) {
      const told = await walk.ask({ host });
      assert.ok(!told.text.includes(EVIL), `${walk.name}, ${JSON.stringify(host)}: ${told.text}`);
      if (walk.name.includes('HTTP/2')) assert.ok([400, 0].includes(told.status), JSON.stringify(host));
    }
  }
  assert.ok(
    !JSON.stringify(attack.upstream.seen.map(({ fields }) => fieldOf(fields, 'host'))).includes(EVIL),
  );
});

test('a host in another spelling reaches the same route, and the upstream is told the one spelling', async () => {
  for (const walk of attack.walks) {
    for (const host of [
      'localhost',
      'LOCALHOST',
      'LocalHost.',
      'localhost:443',
      'localhost.:8443',
      'localhost:00080',
    ]) {
      const { echo, status } = await walk.ask({ host });
      const [name, port] = host.toLowerCase().replace('.', '').split(':');
      if (port === '00080') {
        assert.ok([200, 101].includes(status));
        continue;
      }
      const expected = port === undefined ? name : `${name}:${port}`;
      assert.equal(fieldOf(echo?.fields ?? [], 'host'), expected, `${walk.name}, ${host}`);
      const quoted = port === undefined ? expected : `"${expected}"`;
      assert.ok(
        fieldOf(echo?.fields ?? [], 'forwarded')?.includes(`;host=${quoted};`),
        `${walk.name}, ${host}`,
      );
    }
  }
});

test('more than one Host, and a Host beside another authority, are refused', async () => {
  const lines = [
    `GET / HTTP/1.1\r\nHost: localhost\r\nHost: ${EVIL}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\nhOsT: ${EVIL}\r\n\r\n`,
    `GET / HTTP/1.1\r\n\r\n`,
    `GET https://${EVIL}/ HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET https://localhost/ HTTP/1.1\r\nHost: ${EVIL}\r\n\r\n`,
    `GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost: localhost\r\n X: ${EVIL}\r\n\r\n`,
    `GET / HTTP/1.1\r\nHost : ${EVIL}\r\nHost: localhost\r\n\r\n`,
    `GET / HTTP/1.0\r\n\r\n`,
  ];
  const before = attack.upstream.seen.length;
  for (const line of lines) {
    const raw = await openTls(attack.house);
    raw.write(line);
    await raw.until(() => takeAnswer(raw.received, 'GET', raw.closed) !== undefined);
    const status = takeAnswer(raw.received, 'GET', true)?.answer.status;
    raw.close();
    assert.ok(status === 400 || status === 421 || status === undefined, `${JSON.stringify(line)}: ${status}`);
  }
  assert.equal(attack.upstream.seen.length, before);
  for (const walk of attack.walks.filter(({ name }) => name.includes('HTTP/2'))) {
    for (const host of [EVIL, 'localhost:444', '']) {
      const { status } = await walk.ask({ fields: [['host', host]] });
      assert.ok([400, 0].includes(status), `${walk.name}, host ${host}: ${status}`);
    }
    // The protocol library drops a field whose value is malformed, as if it had not been sent.
    assert.ok(!(await walk.ask({ fields: [['host', `localhost, ${EVIL}`]] })).text.includes(EVIL));
  }
});

/** What a browser would take for another site if it stood in a Location. */
const REDIRECTS = [
  ...[
    `//${EVIL}`,
    `///${EVIL}`,
    `/\\${EVIL}`,
    `/\t/${EVIL}`,
    `/%2f${EVIL}`,
    `/%5c${EVIL}`,
    `\\\\${EVIL}`,
    `/.//${EVIL}`,
  ],
  ...[`https://${EVIL}/`, `http:${EVIL}`, `@${EVIL}`, `.${EVIL}`, `:80@${EVIL}/`, `?@${EVIL}`, `#@${EVIL}`],
  ...[`/%0d%0aLocation:%20https://${EVIL}`, `/x\r\nLocation: https://${EVIL}`, `/%00//${EVIL}`, `/;@${EVIL}`],
  ...[
    `/..//${EVIL}`,
    `/%2e%2e//${EVIL}`,
    `javascript:alert(1)`,
    `/ok?next=//${EVIL}`,
    '/ok',
    '/a%20b',
    '*',
    '',
  ],
];

async function locationOf(host: string, target: string): Promise<string | undefined> {
  const socket = connect(plainPort, '127.0.0.1');
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
  });
  socket.on('error', () => {});
  const closed = once(socket, 'close');
  socket.end(
    `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nX-Forwarded-Host: ${EVIL}\r\nForwarded: host=${EVIL}\r\n\r\n`,
    'latin1',
  );
  await closed;
  return /^location: (.*)\r$/im.exec(text)?.[1];
}

test('the redirect of the plain port leads to the same host over HTTPS or nowhere', async () => {
  let led = 0;
  for (const host of [
    'localhost',
    'LOCALHOST.',
    'localhost:8080',
    EVIL,
    `localhost.${EVIL}`,
    ...BAD,
    ...BREAKS,
  ]) {
    for (const target of host === 'localhost' ? REDIRECTS : ['/ok']) {
      const location = await locationOf(host, target);
      if (location === undefined) continue;
      led++;
      const url = new URL(location, `http://${EVIL}/`);
      assert.equal(url.protocol, 'https:', location);
      assert.equal(
        url.hostname,
        'localhost',
        `${JSON.stringify(host)} ${JSON.stringify(target)}: ${location}`,
      );
      assert.equal(url.username, '', location);
      assert.ok(
        location.startsWith('https://localhost/') || /^https:\/\/localhost:\d+\//.test(location),
        location,
      );
    }
  }
  assert.ok(led >= 6, `${led} redirects`);
});

test('a host of which only a part is served is redirected as well', async () => {
  assert.equal(await locationOf('only-deep.localhost', '/deep'), 'https://only-deep.localhost/deep');
});
