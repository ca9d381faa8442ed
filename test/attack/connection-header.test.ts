import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { ALICE, type AttackHouse, openAttackHouse } from '../support/attack-house.ts';
import { type Fields, fieldOf } from '../support/echo-upstream.ts';
import { startTestGateway } from '../support/gateway.ts';
import { startRawUpstream } from '../support/raw-upstream.ts';
import { allWalks } from '../support/walks.ts';

/** Everything that the gateway writes for the upstream. */
const OURS = [
  ...['Host', 'Forwarded', 'X-Forwarded-For', 'X-Forwarded-Proto', 'X-Forwarded-Host', 'X-Forwarded-Port'],
  ...['X-Request-Id', 'X-Forwarded-User', 'X-Forwarded-Email', 'X-Forwarded-Groups', 'X-Sallyport-Assertion'],
];
let attack: AttackHouse;

before(async () => {
  attack = await openAttackHouse(
    (url) => `routes: [{ host: localhost, upstream: "${url}", allow: authenticated }]\n`,
  );
});
after(() => attack.close());

const namesOf = (fields: Fields): string[] => fields.map(([name]) => name.toLowerCase()).sort();
const overHttp1 = () => attack.walks.filter(({ name }) => !name.includes('HTTP/2'));

test('Connection names none of the fields away that the gateway sets', async () => {
  for (const walk of overHttp1()) {
    const plain = await walk.ask({ fields: ALICE });
    const expected = namesOf(plain.echo?.fields ?? []);
    for (const name of OURS) assert.ok(expected.includes(name.toLowerCase()), `${walk.name}: ${name}`);
    const lists = [
      ...OURS,
      ...OURS.map((name) => name.toLowerCase()),
      OURS.join(', '),
      `keep-alive,${OURS.join(',')}`,
    ];
    for (const list of lists) {
      const told = await walk.ask({ fields: [...ALICE, ['Connection', list]] });
      assert.deepEqual(namesOf(told.echo?.fields ?? []), expected, `${walk.name}, Connection: ${list}`);
    }
    const many = await walk.ask({
      fields: [...ALICE, ...OURS.map((name): [string, string] => ['Connection', name])],
    });
    assert.deepEqual(namesOf(many.echo?.fields ?? []), expected, `${walk.name}, one field each`);
  }
});

test('Connection names no credential away before it was read, and lets none through', async () => {
  for (const walk of overHttp1()) {
    for (const list of ['Authorization', 'authorization, cookie', 'Cookie, Authorization, X-Api-Key']) {
      const known = await walk.ask({ fields: [...ALICE, ['Connection', list]] });
      assert.equal(fieldOf(known.echo?.fields ?? [], 'x-forwarded-user'), 'alice', `${walk.name}: ${list}`);
      assert.equal(fieldOf(known.echo?.fields ?? [], 'authorization'), undefined);
      const wrong: Fields = [
        ['Authorization', 'Basic YWxpY2U6d3Jvbmc='],
        ['Connection', list],
      ];
      assert.equal((await walk.ask({ fields: wrong })).status, 401, `${walk.name}: ${list}`);
      const cookie: Fields = [
        ['Cookie', '__Host-sallyport=stolen; theme=dark'],
        ['Connection', list],
      ];
      assert.equal((await walk.ask({ fields: cookie })).status, 401);
    }
  }
});

test('Connection does not change where a body ends', async () => {
  const [walk] = attack.walks;
  assert.ok(walk !== undefined);
  for (const list of ['content-length', 'transfer-encoding', 'Content-Length, Host', 'trailer']) {
    for (const trailers of [undefined, [['X-After', 'kept'] as const]]) {
      const asked = { method: 'POST', body: 'GET /smuggled HTTP/1.1\r\n\r\n' };
      const fields: Fields = [...ALICE, ['Connection', list]];
      const { echo } = await walk.ask(
        trailers === undefined ? { ...asked, fields } : { ...asked, fields, trailers },
      );
      assert.equal(echo?.body, asked.body, list);
    }
  }
  assert.ok(!attack.upstream.seen.some(({ requestLine }) => requestLine.includes('smuggled')));
});

test('a field of the client that Connection names ends at the gateway', async () => {
  for (const walk of overHttp1()) {
    const fields: Fields = [
      ...ALICE,
      ['Connection', 'x-hop'],
      ['X-Hop', 'one'],
      ['X-End', 'two'],
      ['Keep-Alive', 'x'],
    ];
    const { echo } = await walk.ask({ fields: [...fields, ['Proxy-Connection', 'x'], ['TE', 'trailers']] });
    const names = namesOf(echo?.fields ?? []);
    assert.ok(names.includes('x-end'));
    for (const name of ['x-hop', 'keep-alive', 'proxy-connection', 'te'])
      assert.ok(!names.includes(name), name);
  }
});

test('over HTTP/2 a field that belongs to one connection makes the request malformed', async () => {
  for (const walk of attack.walks.filter(({ name }) => name.includes('HTTP/2'))) {
    for (const name of ['connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']) {
      const told = await walk.ask({ fields: [...ALICE, [name, 'x-forwarded-user']] });
      assert.ok([0, 400].includes(told.status), `${walk.name}, ${name}: ${told.status}`);
    }
    assert.ok([0, 400].includes((await walk.ask({ fields: [...ALICE, ['te', 'gzip']] })).status));
  }
});

test('what the Connection field of an upstream names ends at the gateway, and the framing stays', async () => {
  const body = 'twelve bytes';
  const head = `HTTP/1.1 200 OK\r\nConnection: x-hop, Content-Length, TRANSFER-ENCODING, close\r\nX-Hop: one\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nX-End: two\r\n`;
  const upstream = await startRawUpstream((request, socket) => {
    if (request.includes('/chunked'))
      socket.end(`${head}Transfer-Encoding: chunked\r\n\r\nc\r\n${body}\r\n0\r\n\r\n`);
    else socket.end(`${head}Content-Length: 12\r\n\r\n${body}`);
  });
  const house = await startTestGateway({
    yaml: `routes: [{ host: localhost, upstream: "${upstream.url}", public: true }]\n`,
  });
  const walks = allWalks(house).filter(({ name }) => !name.includes('WebSocket'));
  try {
    for (const walk of walks) {
      for (const target of ['/length', '/chunked']) {
        const told = await walk.ask({ target });
        assert.deepEqual([told.status, told.text], [200, body], `${walk.name}, ${target}`);
        const names = (told.fields ?? []).map(([name]) => name.toLowerCase());
        if (walk.name !== 'HTTP/1.1') continue;
        assert.ok(names.includes('x-end'));
        for (const name of ['x-hop', 'proxy-connection']) assert.ok(!names.includes(name), name);
      }
    }
  } finally {
    for (const walk of walks) walk.close();
    await house.close();
    await upstream.close();
  }
});
