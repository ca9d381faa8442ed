import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { type TestContext, test } from 'node:test';
import { type ConnectionOptions, connect } from 'node:tls';
import { pairMaker } from '../support/fresh-pair.ts';
import { startTestGateway, type TestGateway } from '../support/gateway.ts';

const YAML = `certificates: [{ name: localhost, dev: { names: [localhost] } }, { name: site, dev: { names: [site.test] } }]
routes: [{ host: "*", upstream: "internal:whoami", public: true }]
`;

interface Greeting {
  readonly fingerprint256: string;
  readonly session: Buffer | undefined;
  readonly resumed: boolean;
  readonly status: string;
}

async function house(t: TestContext, listen: string): Promise<TestGateway> {
  const gateway = await startTestGateway({ yaml: YAML, listen });
  t.after(() => gateway.close());
  return gateway;
}

/** Makes a handshake without a name, unless one is given, and asks for a page. */
async function greet({ port }: TestGateway, options: ConnectionOptions = {}): Promise<Greeting> {
  const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false, ...options });
  let session: Buffer | undefined;
  socket.on('session', (ticket) => {
    session = ticket;
  });
  await once(socket, 'secureConnect');
  const { fingerprint256 } = socket.getPeerCertificate();
  const resumed = socket.isSessionReused();
  socket.write('GET / HTTP/1.1\r\nhost: site.test\r\nconnection: close\r\n\r\n');
  let text = '';
  for await (const chunk of socket) text += String(chunk);
  return { fingerprint256, session, resumed, status: text.slice(9, 12) };
}

async function fingerprintOf(gateway: TestGateway, name: string): Promise<unknown> {
  const { body } = await gateway.call('GET', '/v1/certificates');
  return (Array.isArray(body) ? body : []).find((one) => one.name === name)?.fingerprint256;
}

for (const limits of ['limits: {}', 'limits: {}, tls: modern']) {
  test(`a client that names no host, or an unknown one, gets the default certificate, a rotated one at once: ${limits}`, async (t) => {
    const gateway = await house(t, `defaultCertificate: site, ${limits}`);
    const before = await fingerprintOf(gateway, 'site');
    for (const options of [{}, { servername: 'unknown.test' }, { servername: 'site.test' }]) {
      const { fingerprint256, status } = await greet(gateway, options);
      assert.deepEqual([fingerprint256, status], [before, '200'], JSON.stringify(options));
    }
    assert.notEqual((await greet(gateway, { servername: 'localhost' })).fingerprint256, before);

    const { session } = await greet(gateway);
    assert.ok(session !== undefined);
    assert.equal((await greet(gateway, { session })).resumed, true);
    const pair = pairMaker(['site.test']).make();
    const { certificate, key } = pair;
    const answer = await gateway.call('PUT', '/v1/certificates/site', { certificate, key });
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    assert.equal((await greet(gateway)).fingerprint256, pair.fingerprint256);
    // The keys of tickets are those of the house still.
    assert.equal((await greet(gateway, { session })).resumed, true);

    const client = connectHttp2(`https://127.0.0.1:${gateway.port}`, { rejectUnauthorized: false });
    t.after(() => client.destroy());
    const stream = client.request({ ':path': '/', ':authority': 'site.test' });
    const [headers] = await once(stream, 'response');
    assert.equal(headers[':status'], 200);
  });
}

test('without a default certificate a client that names no host, or an unknown one, gets none', async (t) => {
  const gateway = await house(t, 'defaultCertificate: none');
  for (const options of [{}, { servername: 'unknown.test' }])
    await assert.rejects(greet(gateway, options), /handshake failure|unrecognized name|internal error/);
  assert.equal((await greet(gateway, { servername: 'site.test' })).status, '200');
});
