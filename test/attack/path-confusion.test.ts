import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { canonicalPath } from '../../src/lib/canonical-path.ts';
import { ALICE, type AttackHouse, openAttackHouse } from '../support/attack-house.ts';
import { type Echo, fieldOf } from '../support/echo-upstream.ts';

/** What makes two programs read one path differently. */
const PIECES = [
  ...['..', '.', '...', '%2e', '%2E%2e', '.%2e', '%2e.', '%252e', '%252e%252e', '%25%32%65', '%2525'],
  ...[
    '\\',
    '\\..\\',
    '%5c',
    '%5C..',
    '//',
    '/./',
    '/../',
    ';',
    ';x=y',
    '..;',
    '..;/',
    '..;a=b/',
    '.;',
    '%3b',
    '%3Bx',
  ],
  ...[
    '%2f',
    '%2F',
    '..%2f',
    '%2F..%2F',
    '%252f',
    '%00',
    '%00.',
    '#',
    '#/',
    '%23',
    '%3f',
    '%3F/public',
    '*',
    '%2a',
  ],
  ...[
    '%c0%ae',
    '%c0%ae%c0%ae',
    '%c0%af',
    '%e0%80%ae',
    '%f0%80%80%ae',
    '%ff',
    '\xc0\xae',
    '\xe2\x80\xa6',
    '\xff',
  ],
  ...[
    '%ef%bc%8f',
    '%e2%88%95',
    '%u002e',
    '%u2215',
    '%',
    '%2',
    '%zz',
    '%0a',
    '%0d%0a',
    '%09',
    '%7f',
    '%20',
    '+',
    '%2B',
  ],
  ...[
    '%41',
    '%6a',
    '%6A',
    '%7e',
    '~',
    '%2D',
    '&',
    '%26',
    '=',
    ':',
    '@',
    '|',
    '^',
    '`',
    '{',
    '"',
    '<',
    '[',
    ' ',
    '\t',
  ],
];
const ENCODED_ADMIN = [...'admin'].flatMap((letter, i) => {
  const hex = letter.charCodeAt(0).toString(16);
  const at = (code: string): string => `/${'admin'.slice(0, i)}${code}${'admin'.slice(i + 1)}/secret`;
  return [at(`%${hex}`), at(`%${hex.toUpperCase()}`), at(`%25${hex}`), at(letter.toUpperCase())];
});
const WHOLE = [
  ...[
    '*',
    '',
    'admin',
    'localhost:443',
    '//localhost/admin',
    '//evil.test/admin',
    '///admin',
    '\\admin',
    '/\\admin',
  ],
  ...[
    'http://localhost/admin',
    'https://localhost/admin',
    'http://localhost/public',
    'https://evil.test/admin',
  ],
  ...['https://localhost/public/../admin', 'https:/admin', 'javascript:admin', 'HTTP://LOCALHOST/admin'],
  ...['/admin?x=/public', '/admin/?/public/', '/admin?/../public', '/admin?%2fpublic', '/admin%3f/public'],
  ...[
    '/admin#/public',
    '/public#/../admin',
    '/public?x=1#',
    '/public?\x80',
    '/public?a b',
    '/public/x?y=%0d%0a',
  ],
  ...[
    '/ADMIN',
    '/admin/',
    '/admin/.',
    '/admin..',
    '/administrator',
    '/publicity',
    '/public/deep',
    '/public/deep/',
  ],
  ...[
    '/public/deeper',
    '/PUBLIC/deep',
    '/public/%64eep',
    '/public/deep;x',
    '/public/./deep',
    '/public//deep',
  ],
];
const TARGETS = [
  ...new Set([
    ...PIECES.flatMap((piece) => [
      ...[`${piece}/admin/secret`, `/${piece}/admin/secret`, `/${piece}admin/secret`, `/admin${piece}`],
      ...[`/admin/${piece}`, `/admin${piece}secret`, `/ad${piece}min/secret`, `/public/${piece}/admin`],
      ...[`/public${piece}/admin`, `/public/${piece}${piece}/admin`, `/public/${piece}`, `/public${piece}`],
      ...[`/public/${piece}/deep`, `/public/x/${piece}/${piece}/admin`, `/stripped/${piece}/admin`],
    ]),
    ...ENCODED_ADMIN,
    ...WHOLE,
  ]),
];

let attack: AttackHouse;
before(async () => {
  attack = await openAttackHouse(
    (url) => `routes:
  - { host: localhost, path: /admin, upstream: "${url}", allow: authenticated }
  - { host: localhost, path: /public, upstream: "${url}", public: true }
  - { host: localhost, path: /public/deep, upstream: "${url}", allow: authenticated }
  - { host: localhost, path: /stripped, upstream: "${url}", public: true, stripPath: true }
`,
  );
});
after(() => attack.close());

const pathOf = ({ requestLine }: Echo): string => requestLine.split(' ')[1]?.split('?')[0] ?? '';
const under = (path: string, prefix: string): boolean => path === prefix || path.startsWith(`${prefix}/`);

/** How servers with other habits read a path: each of them alone, and all together. */
function readings(path: string): string[] {
  const decode = (text: string): string =>
    text.replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(Number.parseInt(hex, 16)));
  const habits: ((text: string) => string)[] = [
    decode,
    (text) => text.replaceAll('\\', '/'),
    (text) => text.replace(/;[^/]*/g, ''),
    (text) => text.replace(/\/{2,}/g, '/'),
    (text) => text.replace(/[#?\0].*$/s, ''),
    withoutDots,
  ];
  const all = (text: string): string => habits.reduce((read, habit) => habit(read), text);
  return [
    path,
    ...habits.map((habit) => withoutDots(habit(path))),
    all(path),
    all(all(path)),
    all(all(all(path))),
  ];
}

function withoutDots(path: string): string {
  const kept: string[] = [];
  for (const segment of path.split('/')) {
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
  }
  return `/${kept.filter((segment, i) => segment !== '' || i === kept.length - 1).join('/')}`;
}

/** Way in -> targets that were not refused as malformed: with a credential the others are refused as well. */
const readable = new Map<string, string[]>();

test('without a credential no spelling of a path reaches what is protected', async () => {
  for (const walk of attack.walks) {
    let reached = 0;
    const passed: string[] = [];
    readable.set(walk.name, passed);
    for (const target of TARGETS) {
      const told = await walk.ask({ target });
      const what = `${walk.name}, ${JSON.stringify(target)}`;
      assert.ok([0, 101, 200, 400, 401, 404].includes(told.status), `${what}: status ${told.status}`);
      if (![0, 400].includes(told.status)) passed.push(target);
      if (told.echo === undefined) continue;
      reached++;
      const path = pathOf(told.echo);
      assert.deepEqual(canonicalPath(path), { path }, `${what}: ${path} is not the one spelling`);
      const stripped = fieldOf(told.echo.fields, 'x-forwarded-prefix') === '/stripped';
      assert.ok(stripped || under(path, '/public'), `${what}: ${path}`);
      if (stripped) continue;
      for (const reading of readings(path)) {
        assert.ok(
          !under(reading, '/admin') && !under(reading, '/public/deep'),
          `${what}: ${path} read ${reading}`,
        );
      }
    }
    assert.ok(reached > 20, `${walk.name} let ${reached} through: the test proves little`);
  }
});

test('the path that was decided about is the path that the upstream gets', async () => {
  const sent = new Map<string, { readonly path: string; readonly what: string }>();
  for (const walk of attack.walks) {
    for (const target of readable.get(walk.name) ?? []) {
      const { echo } = await walk.ask({ target, fields: ALICE });
      if (echo === undefined) continue;
      const prefix = fieldOf(echo.fields, 'x-forwarded-prefix') ?? '';
      const path = `${prefix}${pathOf(echo)}`;
      sent.set(fieldOf(echo.fields, 'x-request-id') ?? '', {
        path,
        what: `${walk.name}, ${JSON.stringify(target)}`,
      });
    }
  }
  let compared = 0;
  for (const line of await attack.house.log()) {
    const upstream = sent.get(String(line.id));
    if (upstream === undefined || line.log !== 'access') continue;
    compared++;
    const { path, what } = upstream;
    // Taken off the whole path, the prefix leaves `/`, which says the same as nothing.
    assert.ok(path === line.path || path === `${line.path}/`, `${what}: ${String(line.path)} became ${path}`);
    if (line.route !== 'localhost/stripped') assert.equal(path, line.path, what);
    const route = ['/public/deep', '/admin', '/public', '/stripped'].find((prefix) => under(path, prefix));
    assert.equal(line.route, `localhost${route}`, what);
  }
  assert.ok(compared > 100, `${compared} requests compared`);
});

test('what follows the question mark decides nothing', async () => {
  for (const walk of attack.walks) {
    for (const query of ['/public', '/../public', 'path=/public', '#/public', '//public', '%2fpublic']) {
      const { status } = await walk.ask({ target: `/admin?${query}` });
      assert.ok([400, 401].includes(status), `${walk.name}, ${query}: ${status}`);
    }
  }
});

const decodeTwice = (path: string): string => {
  const once = decodeURIComponent(path);
  return /%(?![0-9a-f]{2})/i.test(once) ? once : decodeURIComponent(once);
};

const rawPaths = fc
  .array(
    fc.oneof(fc.constantFrom(...PIECES, '/', '/', 'a', 'public', 'admin'), fc.string({ maxLength: 3 })),
    {
      maxLength: 8,
    },
  )
  .map((parts) => `/${parts.join('')}`);

test('a canonical path is its own canonical path, has no dot segment, and any other URL parser agrees on it', () => {
  fc.assert(
    fc.property(rawPaths, (raw) => {
      const first = canonicalPath(raw);
      if ('fault' in first) return;
      const { path } = first;
      assert.deepEqual(canonicalPath(path), { path });
      assert.ok(
        !decodeURIComponent(path)
          .split('/')
          .some((segment) => segment === '.' || segment === '..'),
      );
      assert.equal(
        decodeURIComponent(path),
        decodeURIComponent(raw),
        'it says something else than was asked',
      );
      assert.equal(new URL(`https://host.test${path}`).pathname, path);
      assert.equal(decodeURIComponent(new URL(`https://host.test${raw}`).pathname), decodeURIComponent(path));
      const lenient = decodeTwice(path)
        .replaceAll('\\', '/')
        .replace(/;[^/]*/g, '');
      assert.equal(withoutDots(lenient), decodeTwice(path), 'a lenient reader sees another path');
    }),
    { numRuns: 3000 },
  );
});
