import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { tlsOptions } from '../../../src/certificates/tls-options.ts';
import { door, fileConfig, house } from '../../fixtures/certificates/house.ts';
import { authority, leaf, rsaKey } from '../../fixtures/certificates/pki.ts';

const root = authority('Root');
const rsa = rsaKey();

function fingerprint(pem: string): string {
  return new X509Certificate(pem).fingerprint256;
}

function seen(socket: TLSSocket): string {
  return socket.getPeerX509Certificate()?.fingerprint256 ?? 'none';
}

test('exact names win over wildcards, and a wildcard stands for one label', async (t) => {
  const h = await house(t);
  const exact = leaf(root, ['www.example.com']);
  const wild = leaf(root, ['*.example.com']);
  const deep = leaf(root, ['*.a.example.com']);
  const keeper = await h.open([
    await fileConfig(h.folder, 'wild', wild),
    await fileConfig(h.folder, 'exact', exact),
    await fileConfig(h.folder, 'deep', deep),
  ]);
  const { dial } = await door(t, keeper);
  assert.equal(seen(await dial('www.example.com')), fingerprint(exact.certificate));
  assert.equal(seen(await dial('other.example.com')), fingerprint(wild.certificate));
  assert.equal(seen(await dial('a.example.com')), fingerprint(wild.certificate));
  assert.equal(seen(await dial('x.a.example.com')), fingerprint(deep.certificate));
  await assert.rejects(dial('example.com'));
  await assert.rejects(dial('x.www.example.com'));
  assert.ok(keeper.covers('b.example.com'));
  assert.ok(!keeper.covers('example.com'));
});

test('case and trailing dot of the server name make no difference', async (t) => {
  const h = await house(t);
  const exact = leaf(root, ['WWW.Example.com']);
  const strict = leaf(root, ['strict.example.com']);
  const keeper = await h.open([
    await fileConfig(h.folder, 'exact', exact),
    await fileConfig(h.folder, 'strict', strict, 'modern'),
  ]);
  const { dial } = await door(t, keeper);
  for (const name of ['www.example.com', 'WWW.EXAMPLE.COM', 'wWw.eXample.com.']) {
    assert.equal(seen(await dial(name)), fingerprint(exact.certificate), name);
    assert.equal(keeper.policyOf(name), 'intermediate');
  }
  for (const name of ['strict.example.com', 'STRICT.example.com', 'Strict.Example.Com.']) {
    assert.equal(keeper.policyOf(name), 'modern');
    assert.equal(keeper.find(name)?.minVersion, 'TLSv1.3');
  }
});

test('of an RSA and an ECDSA certificate for one name each client gets the one it can check', async (t) => {
  const h = await house(t);
  const names = ['www.example.com'];
  // Each chain has one type of signature: a client that knows no ECDSA cannot check an ECDSA authority either.
  const [ecdsa, other] = [
    leaf(root, names),
    leaf(authority('RSA Root', { key: rsa }), names, { key: rsaKey() }),
  ];
  const keeper = await h.open([
    await fileConfig(h.folder, 'rsa', other),
    await fileConfig(h.folder, 'ecdsa', ecdsa),
  ]);
  assert.deepEqual(keeper.find('www.example.com')?.certificates, ['ecdsa', 'rsa']);
  const { dial } = await door(t, keeper);
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const ecdsaOnly = await dial('www.example.com', { sigalgs: 'ecdsa_secp256r1_sha256', maxVersion });
    const rsaOnly = await dial('www.example.com', {
      sigalgs: 'rsa_pss_rsae_sha256:rsa_pkcs1_sha256',
      maxVersion,
    });
    assert.equal(seen(ecdsaOnly), fingerprint(ecdsa.certificate));
    assert.equal(seen(rsaOnly), fingerprint(other.certificate));
    assert.equal(seen(await dial('www.example.com', { maxVersion })), fingerprint(ecdsa.certificate));
  }
});

test('the chain is sent with the leaf', async (t) => {
  const h = await house(t);
  const middle = authority('Middle', { parent: root });
  const made = leaf(middle, ['www.example.com']);
  const keeper = await h.open([
    await fileConfig(h.folder, 'site', { ...made, certificate: made.certificate + middle.certificate }),
  ]);
  const socket = await (await door(t, keeper)).dial('www.example.com');
  assert.equal(
    socket.getPeerCertificate(true).issuerCertificate.fingerprint256,
    fingerprint(middle.certificate),
  );
});

test('a client that trusts the dev CA verifies dev certificates, also for hosts under *.localhost', async (t) => {
  const h = await house(t);
  h.now = Date.now();
  const source = {
    kind: 'dev' as const,
    names: ['localhost', '*.localhost', '127.0.0.1'],
    keyType: 'ecdsa' as const,
  };
  const keeper = await h.open([{ name: 'dev', tls: undefined, source }], {
    hostsOf: () => ['grafana.localhost', '*'],
  });
  const { dial } = await door(t, keeper);
  const ca = await readFile(join(h.folder, 'certs', 'dev-ca.crt'), 'utf8');
  for (const name of ['localhost', 'grafana.localhost']) {
    const socket = await dial(name, { ca, rejectUnauthorized: true });
    assert.ok(socket.authorized);
  }
  await assert.rejects(dial('other.localhost', { ca, rejectUnauthorized: true }), /altnames/);
  assert.equal(keeper.list()[0]?.source, 'dev');
});

test('the presets are those of the guidance: TLS 1.3 alone, or TLS 1.2 with forward secrecy', async (t) => {
  const h = await house(t);
  const keeper = await h.open([
    await fileConfig(h.folder, 'site', leaf(root, ['www.example.com'], { key: rsa })),
  ]);
  const { dial } = await door(t, keeper);
  const socket = await dial('www.example.com', { maxVersion: 'TLSv1.2' });
  assert.match(socket.getCipher().name, /^ECDHE-RSA-/);
  for (const ciphers of ['AES128-GCM-SHA256', 'ECDHE-RSA-AES128-SHA', 'DHE-RSA-AES128-GCM-SHA256']) {
    await assert.rejects(dial('www.example.com', { maxVersion: 'TLSv1.2', ciphers }), ciphers);
  }
  await assert.rejects(
    dial('www.example.com', { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  );
  assert.equal(tlsOptions('modern').minVersion, 'TLSv1.3');
});

test('a context chosen by name does not raise the protocol, but the callback knows it and can refuse', async (t) => {
  const h = await house(t);
  const strict = await fileConfig(h.folder, 'strict', leaf(root, ['strict.example.com']), 'modern');
  const keeper = await h.open([strict, await fileConfig(h.folder, 'open', leaf(root, ['open.example.com']))]);
  const { dial } = await door(t, keeper);
  assert.equal((await dial('strict.example.com')).getProtocol(), 'TLSv1.3');
  assert.equal((await dial('open.example.com', { maxVersion: 'TLSv1.2' })).getProtocol(), 'TLSv1.2');
  await assert.rejects(dial('strict.example.com', { maxVersion: 'TLSv1.2' }));
});

test('a rotation is seen by the next handshake while open connections go on', async (t) => {
  const h = await house(t);
  const first = leaf(root, ['www.example.com']);
  const keeper = await h.open([await fileConfig(h.folder, 'site', first)]);
  const { dial } = await door(t, keeper);
  const open = await dial('www.example.com');
  for (let round = 0; round < 20; round++) {
    const next = leaf(root, ['www.example.com'], { key: first.key });
    const { fingerprint256 } = await keeper.rotate('site', {
      certificate: next.certificate,
      key: next.keyPem,
    });
    assert.equal(fingerprint256, fingerprint(next.certificate));
    assert.equal(seen(await dial('www.example.com')), fingerprint256);
  }
  open.write('still here');
  const [echo] = await once(open, 'data');
  assert.equal(String(echo), 'still here');
  assert.equal(seen(open), fingerprint(first.certificate));
});

test('hostile server names leave the process alive and the contexts bounded', async (t) => {
  const h = await house(t);
  const pairs = Array.from({ length: 12 }, (_, index) => leaf(root, [`h${index}.example.com`]));
  const configs = await Promise.all(pairs.map((pair, index) => fileConfig(h.folder, `p${index}`, pair)));
  const keeper = await h.open(configs, { contexts: 4 });
  const { dial } = await door(t, keeper);
  const shapes = [
    '',
    '.',
    '\0',
    'a\0.example.com',
    '*.example.com',
    '127.0.0.1',
    '::1',
    '__proto__',
    'constructor',
    'xn--a',
    'ä.example.com',
    'a'.repeat(70_000),
    '\ud800',
    '%',
    'h1.example.com\n',
    `${'a.'.repeat(130)}b`,
  ];
  for (let round = 0; round < 100_000; round++) {
    const shape = shapes[round % shapes.length] ?? '';
    const name =
      round % 3 === 0
        ? shape
        : `${((round * 2654435761) >>> 0).toString(36)}${shape.slice(0, 40)}.example.com`;
    assert.equal(keeper.find(name), undefined);
  }
  for (const servername of ['a\0b', '*.example.com', 'x'.repeat(255), '-', '__proto__', '..']) {
    await dial(servername).then(
      () => assert.fail('no certificate has this name'),
      () => undefined,
    );
  }
  for (let round = 0; round < 3; round++) {
    for (const [index, pair] of pairs.entries()) {
      assert.equal(seen(await dial(`h${index}.example.com`)), fingerprint(pair.certificate));
    }
  }
});
