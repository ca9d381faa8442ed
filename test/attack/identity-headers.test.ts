import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type EchoUpstream, type Fields, fieldOf, startEchoUpstream } from '../support/echo-upstream.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';
import { allWalks, type Told, type Walk } from '../support/walks.ts';

const NAMES = [
  ...[
    'User',
    'Email',
    'Groups',
    'For',
    'Proto',
    'Host',
    'Port',
    'Prefix',
    'Uri',
    'Method',
    'Server',
    'Ssl',
  ].map((last) => `X-Forwarded-${last}`),
  ...['Forwarded', 'X-Forwarded', 'X-Real-IP', 'X-Client-IP', 'X-Cluster-Client-IP', 'True-Client-IP'],
  ...['X-Original-URL', 'X-Original-Host', 'X-Original-Forwarded-For', 'X-Rewrite-URL', 'X-Host'],
  ...['X-Envoy-External-Address', 'X-Envoy-Original-Path', 'Cf-Connecting-IP', 'Cf-Access-Jwt-Assertion'],
  ...['X-Middleware-Subrequest', 'X-Middleware-Rewrite', 'X-Sallyport-Assertion', 'X-Sallyport-Anything'],
  ...['X-Request-Id', 'X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'],
  ...['Remote-User', 'Remote-Groups', 'X-Remote-User', 'X-WebAuth-User', 'X-Auth-Request-Email'],
  ...['X-Client-Cert', 'X-SSL-Client-Verify', 'SSL-Client-S-DN', 'X-Goog-Authenticated-User-Email'],
];
/** Every tchar of RFC 9110 §5.6.2 that some server folds into `-`, or might. */
const FOLDED = [..."!#$%&'*+.^_`|~"];
const FEW = ['X-Forwarded-User', 'X-Real-IP', 'X-Sallyport-Assertion', 'Remote-User'];
const CLAIM = 'evil-claim';

let upstream: EchoUpstream;
let house: TestGateway;
let walks: readonly Walk[];
/** Authorization of a user with every claim, of one with none, and of nobody. */
const callers = new Map<string, { readonly target: string; readonly fields: Fields }>();

before(async () => {
  upstream = await startEchoUpstream();
  house = await startTestGateway({
    yaml: `authenticate: { basic: { realm: Test } }
routes:
  - { host: localhost, upstream: "${upstream.url}", allow: authenticated }
  - { host: localhost, path: /public, upstream: "${upstream.url}", public: true }
`,
  });
  const put = (name: string, more: object): Promise<unknown> =>
    house.call('PUT', `/v1/users/${name}`, { password: 'correct horse', ...more });
  await put('alice', { groups: ['staff'], email: 'alice@example.com' });
  await put('bob', {});
  const basic = (name: string): Fields => [
    ['Authorization', `Basic ${Buffer.from(`${name}:correct horse`).toString('base64')}`],
  ];
  callers.set('a user with every claim', { target: '/', fields: basic('alice') });
  callers.set('a user without groups and e-mail', { target: '/', fields: basic('bob') });
  callers.set('nobody on a public route', { target: '/public', fields: [] });
  walks = allWalks(house);
});
after(async () => {
  for (const walk of walks) walk.close();
  await house.close();
  await upstream.close();
});

/** Over HTTP/2 names are lower-case (RFC 9113 §8.2.1): another spelling is refused before anything is decided. */
const spelled = (walk: Walk, fields: Fields): Fields =>
  walk.name.includes('HTTP/2') ? fields.map(([name, value]) => [name.toLowerCase(), value]) : fields;

const mixed = (name: string): string =>
  [...name].map((letter, i) => (i % 2 === 0 ? letter.toLowerCase() : letter.toUpperCase())).join('');

function assertClean(told: Told, what: string, allowed: readonly number[]): void {
  assert.ok(allowed.includes(told.status), `${what}: status ${told.status}`);
  assert.ok(!told.text.includes(CLAIM), `${what}: the upstream saw it: ${told.text}`);
}

test('an ordinary field of the client reaches the upstream on every way, so that what follows proves something', async () => {
  for (const walk of walks) {
    for (const [who, caller] of callers) {
      const told = await walk.ask({
        ...caller,
        fields: spelled(walk, [...caller.fields, ['X-Ordinary', 'kept']]),
      });
      assert.equal(
        fieldOf(told.echo?.fields ?? [], 'x-ordinary'),
        'kept',
        `${walk.name}, ${who}: ${told.text}`,
      );
    }
  }
});

test('no reserved name of the client reaches the upstream, in any case, twice, or with whatever identity', async () => {
  for (const walk of walks) {
    for (const [who, caller] of callers) {
      for (const name of NAMES) {
        const fields: Fields = [
          [name, CLAIM],
          [name.toUpperCase(), `${CLAIM}, 2`],
          [name.toLowerCase(), CLAIM],
          [mixed(name), ` ${CLAIM}`],
        ];
        const told = await walk.ask({ ...caller, fields: spelled(walk, [...caller.fields, ...fields]) });
        assertClean(told, `${walk.name}, ${who}, ${name}`, [200, 101]);
      }
    }
  }
});

test('a name that some server folds into a reserved one is refused', async () => {
  for (const walk of walks) {
    // Over HTTP/1.1 every refusal ends the connection: one name of each make there, all of them on one connection of HTTP/2.
    const names = walk.name.includes('HTTP/2') ? NAMES.filter((name) => name.includes('-')) : FEW;
    for (const name of names) {
      for (const mark of FOLDED) {
        const caller = callers.get('a user without groups and e-mail');
        const fields = spelled(walk, [...(caller?.fields ?? []), [name.replaceAll('-', mark), CLAIM]]);
        assertClean(await walk.ask({ target: '/', fields }), `${walk.name}, ${name} with ${mark}`, [400, 0]);
      }
    }
  }
});

test('a reserved name with one folded mark only is refused', async () => {
  for (const walk of walks) {
    for (const spelling of ['X-Forwarded_User', 'X_Forwarded-User', 'x.forwarded-user', 'X-Forwarded.For']) {
      const told = await walk.ask({ target: '/public', fields: spelled(walk, [[spelling, CLAIM]]) });
      assertClean(told, `${walk.name}, ${spelling}`, [400]);
    }
  }
});

test('no trailer of the client carries a reserved name to the upstream', async () => {
  const more = [
    'Authorization',
    'Cookie',
    'Host',
    'Content-Length',
    'Transfer-Encoding',
    'Set-Cookie',
    'X-Api-Key',
  ];
  for (const walk of walks.filter(({ name }) => !name.includes('WebSocket'))) {
    for (const [who, caller] of callers) {
      for (const name of [...NAMES, ...more, ...FOLDED.map((mark) => `X${mark}Forwarded${mark}User`)]) {
        const told = await walk.ask({
          ...caller,
          method: 'POST',
          fields: spelled(walk, caller.fields),
          body: 'text',
          trailers: spelled(walk, [[name, CLAIM]]),
        });
        assertClean(told, `${walk.name}, ${who}, trailer ${name}`, [200, 400, 0]);
      }
    }
  }
});

test('what the upstream is told of a user is what was verified, and no more', async () => {
  const spoof: Fields = ['User', 'Email', 'Groups'].map((last) => [`X-Forwarded-${last}`, CLAIM]);
  for (const walk of walks) {
    const asked = async (who: string) => {
      const caller = callers.get(who) ?? { target: '/', fields: [] };
      const { echo } = await walk.ask({
        ...caller,
        fields: spelled(walk, [...spoof, ...caller.fields, ...spoof]),
      });
      return (name: string) =>
        (echo?.fields ?? []).filter(([one]) => one.toLowerCase() === name).map(([, value]) => value);
    };
    const alice = await asked('a user with every claim');
    assert.deepEqual(alice('x-forwarded-user'), ['alice'], walk.name);
    assert.deepEqual(alice('x-forwarded-email'), ['alice@example.com'], walk.name);
    assert.deepEqual(alice('x-forwarded-groups'), ['staff'], walk.name);
    const bob = await asked('a user without groups and e-mail');
    assert.deepEqual(bob('x-forwarded-user'), ['bob'], walk.name);
    assert.deepEqual([...bob('x-forwarded-email'), ...bob('x-forwarded-groups')], [], walk.name);
    const nobody = await asked('nobody on a public route');
    assert.deepEqual([...nobody('x-forwarded-user'), ...nobody('x-sallyport-assertion')], [], walk.name);
    assert.deepEqual(nobody('x-forwarded-for'), ['127.0.0.1'], walk.name);
  }
});

test('the upstream never saw one of the claims', () => {
  assert.ok(upstream.seen.length > 100);
  assert.ok(!JSON.stringify(upstream.seen).includes(CLAIM));
});
