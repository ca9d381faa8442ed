import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createSecureServer } from 'node:http2';
import { test } from 'node:test';
import { connect } from 'node:tls';
import { Secret } from '../../../src/lib/secret.ts';
import type { NamelessCertificate } from '../../../src/listen/certificate-picker.ts';
import { namelessContext } from '../../../src/listen/nameless-context.ts';
import { pairMaker } from '../../support/fresh-pair.ts';

test('a default certificate that OpenSSL refuses ends nothing: what was served is served on', async (t) => {
  const { make } = pairMaker(['site.test']);
  const pair = make();
  let served: NamelessCertificate | undefined = {
    name: 'site',
    id: '1',
    certificate: pair.certificate,
    key: new Secret(pair.key),
  };
  const server = createSecureServer({ minVersion: 'TLSv1.3', allowHTTP1: true });
  t.after(() => server.close());
  server.prependListener(
    'connection',
    namelessContext(server, { minVersion: 'TLSv1.3' }, { nameless: () => served }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  const seen = async (): Promise<string> => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false });
    await once(socket, 'secureConnect');
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  assert.equal(await seen(), pair.fingerprint256);
  served = { ...served, id: '2', key: new Secret(make().key) };
  assert.equal(await seen(), pair.fingerprint256);
});
