import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ALICE, type AttackHouse, openAttackHouse } from '../support/attack-house.ts';
import type { Fields } from '../support/echo-upstream.ts';

const FOREIGN = [
  ...[
    'https://evil.test',
    'null',
    'NULL',
    '',
    'https://',
    'https:///',
    'https://app.localhost',
    'https://evil-localhost',
  ],
  ...[
    'https://localhost.evil.test',
    'https://evil.localhost',
    'https://sub.app.localhost',
    'https://localhost',
  ],
  ...[
    'http://chat.localhost',
    'ws://chat.localhost',
    'wss://chat.localhost',
    'chat.localhost',
    '//chat.localhost',
  ],
  ...[
    'https://chat.localhost:444',
    'https://chat.localhost:80',
    'https://chat.localhost:',
    'https://chat.localhost:0443x',
  ],
  ...[
    'https://chat.localhost/',
    'https://chat.localhost/x',
    'https://chat.localhost?x',
    'https://chat.localhost#x',
  ],
  ...[
    'https://user@chat.localhost',
    'https://chat.localhost@evil.test',
    'https://chat.localhost\\.evil.test',
  ],
  ...[
    'https://chat.localhost, https://evil.test',
    'https://chat.localhost https://evil.test',
    'https:chat.localhost',
  ],
  ...[
    'https://chat.localhost%00.evil.test',
    'https://ch\xe2\x84\xaat.localhost',
    'file://',
    'moz-extension://chat.localhost',
  ],
  ...[
    'chrome-extension://chat.localhost',
    'data:text/html,x',
    'https://xchat.localhost',
    'https://chat-localhost',
  ],
];
const SAME = ['https://chat.localhost', 'https://chat.localhost:443'];

let attack: AttackHouse;
before(async () => {
  attack = await openAttackHouse(
    (url) => `routes:
  - { host: chat.localhost, upstream: "${url}", allow: authenticated }
  - { host: chat.localhost, path: /public, upstream: "${url}", public: true }
  - { host: chat.localhost, path: /listed, upstream: "${url}", public: true, origins: ["https://app.localhost"] }
`,
  );
});
after(() => attack.close());

const upgrades = () => attack.walks.filter(({ name }) => name.includes('WebSocket'));
const withOrigin = (...origins: string[]): Fields => origins.map((origin) => ['origin', origin]);

test('a page of another site opens no WebSocket, whoever the visitor is', async () => {
  for (const walk of upgrades()) {
    for (const [target, caller] of [['/', ALICE] as const, ['/public', []] as const]) {
      for (const origin of FOREIGN) {
        const { status } = await walk.ask({
          host: 'chat.localhost',
          target,
          fields: [...caller, ...withOrigin(origin)],
        });
        assert.equal(status, 403, `${walk.name}, ${target}, Origin: ${JSON.stringify(origin)}`);
      }
      for (const pair of [
        ['https://chat.localhost', 'https://evil.test'],
        ['https://evil.test', 'https://chat.localhost'],
        ['https://chat.localhost', 'https://chat.localhost'],
      ]) {
        const fields: Fields = [...caller, ...withOrigin(...pair)];
        const { status } = await walk.ask({ host: 'chat.localhost', target, fields });
        assert.ok([400, 403].includes(status), `${walk.name}, ${target}, ${pair.join(' and ')}: ${status}`);
      }
    }
  }
  assert.equal(attack.upstream.seen.length, 0);
});

test('a page of the same site, and a program that is no browser, open one', async () => {
  for (const walk of upgrades()) {
    for (const [target, caller] of [['/', ALICE] as const, ['/public', []] as const]) {
      for (const origin of [...SAME, undefined]) {
        const fields: Fields = [...caller, ...(origin === undefined ? [] : withOrigin(origin))];
        const { status } = await walk.ask({ host: 'chat.localhost', target, fields });
        assert.equal(status, 101, `${walk.name}, ${target}, Origin: ${String(origin)}`);
      }
    }
  }
});

test('a list of origins admits those and not even the own one', async () => {
  for (const walk of upgrades()) {
    const statusOf = async (origin: string): Promise<number> =>
      (await walk.ask({ host: 'chat.localhost', target: '/listed', fields: withOrigin(origin) })).status;
    assert.equal(await statusOf('https://app.localhost'), 101, walk.name);
    for (const origin of [
      ...SAME,
      'https://app.localhost:444',
      'http://app.localhost',
      'https://app.localhost.evil',
    ]) {
      assert.equal(await statusOf(origin), 403, `${walk.name}, ${origin}`);
    }
  }
});

test('no other field stands in for Origin', async () => {
  for (const walk of upgrades()) {
    const fields: Fields = [
      ...withOrigin('https://evil.test'),
      ...(
        [
          'x-forwarded-host',
          'x-original-host',
          'sec-websocket-origin',
          'referer',
          'x-forwarded-proto',
        ] as const
      ).map((name): [string, string] => [name, 'https://chat.localhost']),
    ];
    assert.equal(
      (await walk.ask({ host: 'chat.localhost', target: '/public', fields })).status,
      403,
      walk.name,
    );
  }
});
