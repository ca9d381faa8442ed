import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { connect, createServer } from 'node:tls';
import { challengeContext } from '../../../../src/certificates/acme/challenge-certificate.ts';
import { children, content, decode, dotted, isTagged } from '../../../../src/certificates/der.ts';

test('the certificate of a TLS-ALPN-01 challenge has the one name and the digest in a critical extension', async (t) => {
  const context = challengeContext('a.test', 'token.thumbprint', Date.now());
  const server = createServer({ SNICallback: (_name, done) => done(null, context) }, (socket) =>
    socket.end(),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;
  const client = connect({ host: '127.0.0.1', port, servername: 'a.test', rejectUnauthorized: false });
  await once(client, 'secureConnect');
  const certificate = client.getPeerX509Certificate();
  client.destroy();
  assert.ok(certificate !== undefined);
  assert.equal(certificate.subjectAltName, 'DNS:a.test');
  const [tbs] = children(decode(certificate.raw));
  const list = children(children(tbs).find((node) => isTagged(node, 3)))[0];
  const found = children(list).find((node) => dotted(children(node)[0]) === '1.3.6.1.5.5.7.1.31');
  const [, critical, value] = children(found);
  assert.deepEqual(content(critical), Buffer.of(0xff));
  assert.deepEqual(content(decode(content(value))), createHash('sha256').update('token.thumbprint').digest());
});
