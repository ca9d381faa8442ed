import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { connect, createSecureContext, createServer as createTlsServer, type TLSSocket } from 'node:tls';
import {
  answerChallenge,
  type ChallengeAnswers,
  ProtocolChoice,
} from '../../../src/listen/challenge-answers.ts';
import { authority, leaf } from '../../fixtures/certificates/pki.ts';

const TOKEN = 'x'.repeat(43);

function answers(asked: string[] = []): ChallengeAnswers {
  return {
    mayAnswer: (host) => host === 'a.test',
    async httpAnswer(host, token) {
      asked.push(`${host} ${token}`);
      return token === TOKEN ? `${TOKEN}.t` : undefined;
    },
    mayProve: (host) => host === 'a.test',
    alpnContext: async () => undefined,
  };
}

async function plain(t: TestContext, challenges: ChallengeAnswers | undefined) {
  const server = createServer((req, res) =>
    answerChallenge(req, res, challenges, () => res.writeHead(308).end()),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  return (path: string, host: string, method = 'GET') =>
    new Promise<string>((resolve, reject) => {
      const call = request(
        { host: '127.0.0.1', port, path, method, headers: { host }, agent: false },
        (answer) => {
          let text = `${answer.statusCode} `;
          answer.on('data', (chunk) => {
            text += chunk;
          });
          answer.on('end', () => resolve(text.trim()));
        },
      );
      call.on('error', reject);
      call.end();
    });
}

test('only GET and HEAD of the exact path of a known token are answered; everything else goes on as ever', async (t) => {
  const asked: string[] = [];
  const call = await plain(t, answers(asked));
  const path = `/.well-known/acme-challenge/${TOKEN}`;
  assert.equal(await call(path, 'a.test'), `200 ${TOKEN}.t`);
  assert.equal(await call(path, 'A.TEST:80'), `200 ${TOKEN}.t`);
  assert.equal(await call(path, 'a.test', 'HEAD'), '200');
  const before = asked.length;
  for (const other of [
    '/',
    `${path}?x`,
    `${path}/`,
    `//.well-known/acme-challenge/${TOKEN}`,
    `/.well-known/acme-challenge/../${TOKEN}`,
  ]) {
    assert.equal(await call(other, 'a.test'), '308', other);
  }
  assert.equal(await call(path, 'a.test', 'POST'), '308');
  assert.equal(await call(path, 'b.test'), '308');
  assert.equal(await call(path, 'a.test,b.test'), '308');
  assert.equal(asked.length, before, 'nobody was asked');
  assert.equal(await call(`/.well-known/acme-challenge/${'y'.repeat(43)}`, 'a.test'), '308');
});

test('answers that fail, and a gateway without orders, leave the request as it is', async (t) => {
  const path = `/.well-known/acme-challenge/${TOKEN}`;
  const failing = { ...answers(), httpAnswer: () => Promise.reject(new Error('away')) };
  assert.equal(await (await plain(t, failing))(path, 'a.test'), '308');
  assert.equal(await (await plain(t, undefined))(path, 'a.test'), '308');
});

test('acme-tls/1 is chosen only when it is offered alone, over TLS 1.3, for a host whose certificate is ordered', async (t) => {
  const ca = authority('CA');
  const own = leaf(ca, ['a.test']);
  const context = createSecureContext({ key: own.keyPem, cert: own.certificate });
  const choice = new ProtocolChoice(() => answers());
  const challenged: boolean[] = [];
  const server = createTlsServer({
    ALPNCallback(this: TLSSocket, { servername, protocols }) {
      return choice.choose(this, servername, protocols);
    },
    SNICallback(this: TLSSocket, _name, done) {
      challenged.push(choice.isChallenge(this));
      done(null, context);
    },
  });
  server.on('secureConnection', (socket) => socket.end());
  server.on('tlsClientError', () => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const agreed = (servername: string, offered: string[], maxVersion: 'TLSv1.2' | 'TLSv1.3' = 'TLSv1.3') =>
    new Promise<string | false | null>((resolve) => {
      const options = { host: '127.0.0.1', port, servername, ALPNProtocols: offered, maxVersion };
      const client = connect({ ...options, rejectUnauthorized: false });
      client.on('secureConnect', () => resolve(client.alpnProtocol));
      client.on('error', () => resolve('alert'));
    });
  assert.equal(await agreed('a.test', ['acme-tls/1']), 'acme-tls/1');
  assert.deepEqual(challenged, [true]);
  assert.equal(await agreed('b.test', ['acme-tls/1']), 'alert');
  assert.equal(await agreed('a.test', ['acme-tls/1'], 'TLSv1.2'), 'alert');
  assert.equal(await agreed('a.test', ['acme-tls/1', 'h2']), 'h2');
  assert.equal(await agreed('a.test', ['http/1.1', 'h2']), 'h2');
  assert.equal(await agreed('a.test', ['http/1.1']), 'http/1.1');
  assert.equal(await agreed('a.test', ['spdy/3']), 'alert');
  assert.equal(await agreed('a.test', []), false);
  assert.ok(challenged.slice(1).every((one) => !one));
});
