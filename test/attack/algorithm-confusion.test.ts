import assert from 'node:assert/strict';
import { createHmac, type KeyObject } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { loadTokenIssuer } from '../../src/authenticate/load-token-issuer.ts';
import type { Method, ReasonWord } from '../../src/authenticate/method.ts';
import { makeTokenMethod } from '../../src/authenticate/token.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { silentLogger } from '../../src/lib/logger.ts';
import { Secret } from '../../src/lib/secret.ts';
import {
  arrivedWith,
  ecPair,
  encode,
  failureOf,
  forge,
  goodClaims,
  issuerConfig,
  nowSec,
  pemOf,
  rsaPair,
} from '../unit/authenticate/support.ts';

const EC_ISSUER = 'https://issuer.test';
const RSA_ISSUER = 'https://rsa.test';
const ec = ecPair();
const rsa = rsaPair();
const stranger = ecPair();
let folder = '';
let method: Method;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sallyport-attack-'));
  const issuer = async (name: string, key: KeyObject, algorithm: string, typ?: string) => {
    const path = join(folder, `${algorithm}-${encode(name)}.pem`);
    await writeFile(path, pemOf(key));
    const config = issuerConfig({ issuer: name, algorithms: [algorithm], typ, keys: { kind: 'file', path } });
    return loadTokenIssuer(config, systemClock, silentLogger);
  };
  method = makeTokenMethod({
    issuers: [
      await issuer(EC_ISSUER, ec.publicKey, 'ES256'),
      await issuer(RSA_ISSUER, rsa.publicKey, 'RS256'),
      await issuer('https://typed.test', ec.publicKey, 'ES256', 'at+jwt'),
    ],
    realm: 'gateway',
    sessions: { live: async () => undefined, touch: () => {} },
    isRevoked: () => false,
  });
});
after(() => rm(folder, { recursive: true, force: true }));

async function reasonFor(token: string): Promise<ReasonWord | 'verified' | 'absent'> {
  const verdict = await method.inspect(arrivedWith({ authorization: `Bearer ${token}` }));
  return verdict.kind === 'rejected' ? verdict.reason : verdict.kind;
}

const es = (header: object, claims: object = goodClaims()) =>
  forge({ alg: 'ES256', ...header }, claims, ec.privateKey);

/** Signs as HMAC does, with whatever bytes an attacker knows. */
function hmac(secret: string | Buffer, claims: object, more: object = {}): string {
  const input = `${encode({ alg: 'HS256', ...more })}.${encode(claims)}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
}

test('an honest token of each issuer is verified', async () => {
  assert.equal(await reasonFor(es({})), 'verified');
  assert.equal(await reasonFor(es({ typ: 'JWT', kid: 'any', x5t: 'thumb' })), 'verified');
  const claims = goodClaims({ iss: RSA_ISSUER });
  assert.equal(await reasonFor(forge({ alg: 'RS256' }, claims, rsa.privateKey)), 'verified');
});

test('a token without a signature is refused in every spelling of none', async () => {
  for (const alg of ['none', 'None', 'nOnE', 'NONE', '']) {
    const head = encode({ alg });
    for (const signature of ['', 'AAAA', es({}).split('.')[2]]) {
      assert.equal(await reasonFor(`${head}.${encode(goodClaims())}.${signature}`), 'token-algorithm', alg);
    }
  }
  assert.equal(await reasonFor(`${es({}).split('.').slice(0, 2).join('.')}.`), 'token-malformed');
  assert.equal(await reasonFor(es({}).split('.').slice(0, 2).join('.')), 'token-malformed');
});

test('the public key is no HMAC secret in any of its forms', async () => {
  for (const [key, iss] of [
    [ec.publicKey, EC_ISSUER],
    [rsa.publicKey, RSA_ISSUER],
  ] as const) {
    const pem = pemOf(key);
    const jwk = JSON.stringify(key.export({ format: 'jwk' }));
    const der = key.export({ type: 'spki', format: 'der' });
    for (const secret of [
      pem,
      pem.trim(),
      pem.replaceAll('\n', '\r\n'),
      der,
      der.toString('base64'),
      jwk,
      '',
    ]) {
      assert.equal(await reasonFor(hmac(secret, goodClaims({ iss }))), 'token-algorithm');
    }
  }
});

test('a configuration cannot take a public key for a secret or the other way round', async () => {
  const path = join(folder, 'config.pem');
  await writeFile(path, pemOf(ec.publicKey));
  const secret = (text: string) => ({ kind: 'secret', secret: new Secret(text) }) as const;
  for (const config of [
    issuerConfig({ algorithms: ['HS256'], keys: { kind: 'file', path } }),
    issuerConfig({ algorithms: ['ES256', 'HS256'], keys: { kind: 'file', path } }),
    issuerConfig({
      algorithms: ['HS256'],
      keys: { kind: 'jwks', url: 'https://a.test/jwks', ca: undefined },
    }),
    issuerConfig({ algorithms: ['HS256'], keys: secret(pemOf(ec.publicKey)) }),
    issuerConfig({ algorithms: ['ES256'], keys: secret('x'.repeat(64)) }),
    issuerConfig({ algorithms: ['HS256'], keys: secret('short') }),
    issuerConfig({ algorithms: ['RS256'], keys: { kind: 'file', path } }),
    issuerConfig({ algorithms: ['ES384'], keys: { kind: 'file', path } }),
    issuerConfig({ algorithms: ['none'], keys: { kind: 'file', path } }),
    issuerConfig({ algorithms: [], keys: { kind: 'file', path } }),
  ]) {
    const error = await failureOf(() => loadTokenIssuer(config, systemClock, silentLogger));
    assert.equal(error.code, 'SP_CONFIG_INVALID');
    assert.ok(error.problems.length > 0);
  }
});

test('algorithms cannot be swapped between issuers or keys', async () => {
  assert.equal(await reasonFor(forge({ alg: 'RS256' }, goodClaims(), rsa.privateKey)), 'token-algorithm');
  const forRsa = goodClaims({ iss: RSA_ISSUER });
  assert.equal(await reasonFor(forge({ alg: 'ES256' }, forRsa, ec.privateKey)), 'token-algorithm');
  assert.equal(await reasonFor(forge({ alg: 'RS256' }, forRsa, ec.privateKey)), 'token-signature');
  assert.equal(await reasonFor(forge({ alg: 'ES256' }, goodClaims(), rsa.privateKey)), 'token-signature');
  for (const alg of [
    'PS256',
    'RS512',
    'ES384',
    'EdDSA',
    'es256',
    'ES256 ',
    'RSA1_5',
    '__proto__',
    'constructor',
  ]) {
    assert.equal(await reasonFor(es({ alg })), 'token-algorithm', alg);
  }
  for (const alg of [null, 1, ['ES256'], { toString: 'ES256' }, true]) {
    assert.equal(await reasonFor(es({ alg })), 'token-algorithm', JSON.stringify(alg));
  }
});

test('another key of the right kind does not verify', async () => {
  assert.equal(
    await reasonFor(forge({ alg: 'ES256' }, goodClaims(), stranger.privateKey)),
    'token-signature',
  );
  const [head, , signature] = es({}).split('.');
  assert.equal(
    await reasonFor(`${head}.${encode(goodClaims({ sub: 'root' }))}.${signature}`),
    'token-signature',
  );
});

test('a signature of zeros, of another length or in DER does not verify', async () => {
  const [head, body, signature = ''] = es({}).split('.');
  const bytes = Buffer.from(signature, 'base64url');
  for (const bad of [Buffer.alloc(64), bytes.subarray(1), Buffer.concat([bytes, bytes]), Buffer.alloc(1)]) {
    assert.equal(await reasonFor(`${head}.${body}.${bad.toString('base64url')}`), 'token-signature');
  }
});

test('a header cannot bring its own key or change how the token is read', async () => {
  const jwk = stranger.publicKey.export({ format: 'jwk' });
  for (const more of [
    { jku: 'https://evil.test/jwks' },
    { x5u: 'https://evil.test/chain.pem' },
    { x5c: ['MIIB'] },
    { jwk },
    { jwk: null },
    { crit: ['exp'] },
    { crit: [] },
    { crit: ['b64'], b64: false },
    { b64: false },
    { b64: true },
    { zip: 'DEF' },
    { enc: 'A256GCM' },
  ]) {
    assert.equal(await reasonFor(es(more)), 'token-header', JSON.stringify(more));
    const strange = forge({ alg: 'ES256', ...more }, goodClaims(), stranger.privateKey);
    assert.equal(await reasonFor(strange), 'token-header');
  }
});

test('a key name is a name and never a path, a query or an object', async () => {
  for (const kid of [
    '../../../../dev/null',
    "' UNION SELECT 'x",
    '/etc/passwd',
    'https://evil.test/k',
    '\u0000',
    '|id',
  ]) {
    assert.equal(await reasonFor(hmac('', goodClaims(), { kid })), 'token-algorithm');
    assert.equal(
      await reasonFor(forge({ alg: 'ES256', kid }, goodClaims(), stranger.privateKey)),
      'token-signature',
    );
  }
  for (const kid of [1, null, ['a'], {}]) assert.equal(await reasonFor(es({ kid })), 'token-header');
});

test('a token of the wrong type is refused where a type is demanded', async () => {
  const claims = goodClaims({ iss: 'https://typed.test' });
  assert.equal(await reasonFor(es({ typ: 'at+jwt' }, claims)), 'verified');
  assert.equal(await reasonFor(es({ typ: 'application/at+jwt' }, claims)), 'verified');
  for (const typ of ['JWT', 'assertion+jwt', '', 1, undefined]) {
    assert.equal(await reasonFor(es({ typ }, claims)), 'token-type', String(typ));
  }
});

test('expiry is demanded and must be a number', async () => {
  for (const exp of [undefined, '9999999999', null, [nowSec() + 60]]) {
    assert.equal(await reasonFor(es({}, goodClaims({ exp }))), 'token-claims', JSON.stringify(exp));
  }
  assert.equal(await reasonFor(es({}, goodClaims({ exp: nowSec() - 6 }))), 'token-expired');
  assert.equal(await reasonFor(es({}, goodClaims({ exp: 0 }))), 'token-expired');
  assert.equal(await reasonFor(es({}, goodClaims({ exp: nowSec() - 2 }))), 'verified');
});

test('a day of skew is too much in both directions', async () => {
  const day = 86_400;
  assert.equal(await reasonFor(es({}, goodClaims({ exp: nowSec() - day }))), 'token-expired');
  assert.equal(await reasonFor(es({}, goodClaims({ nbf: nowSec() + day }))), 'token-not-yet-valid');
  assert.equal(await reasonFor(es({}, goodClaims({ iat: nowSec() + day }))), 'token-not-yet-valid');
  assert.equal(await reasonFor(es({}, goodClaims({ nbf: 'now' }))), 'token-claims');
});

test('the audience must name the gateway, exactly', async () => {
  for (const aud of [
    'other',
    ['other', 'foreign'],
    'gateway ',
    'GATEWAY',
    ['gateway/'],
    [['gateway']],
    {},
    null,
    [],
    undefined,
  ]) {
    assert.equal(await reasonFor(es({}, goodClaims({ aud }))), 'token-audience', JSON.stringify(aud));
  }
  assert.equal(await reasonFor(es({}, goodClaims({ aud: ['other', 'gateway'] }))), 'verified');
});

test('the issuer is compared exactly', async () => {
  for (const iss of [
    `${EC_ISSUER}/`,
    'https://ISSUER.test',
    'http://issuer.test',
    ' https://issuer.test',
    [EC_ISSUER],
    undefined,
    null,
    '__proto__',
    'sallyport',
  ]) {
    assert.equal(await reasonFor(es({}, goodClaims({ iss }))), 'token-issuer-unknown', JSON.stringify(iss));
  }
});

test('one issuer cannot speak for another', async () => {
  assert.equal(await reasonFor(es({}, goodClaims({ iss: RSA_ISSUER }))), 'token-algorithm');
});

test('an object with a member named twice has no one meaning', async () => {
  const now = nowSec();
  const claims = `"iss":"${EC_ISSUER}","aud":"gateway","exp":${now + 60}`;
  for (const payload of [
    `{${claims},"sub":"guest","sub":"root"}`,
    `{${claims},"sub":"guest","s\\u0075b":"root"}`,
    `{"iss":"https://evil.test",${claims},"sub":"root"}`,
    `{${claims},"sub":"a","realm":{"roles":[],"roles":["admin"]}}`,
  ]) {
    assert.equal(await reasonFor(forge({ alg: 'ES256' }, payload, ec.privateKey)), 'token-malformed');
  }
  for (const header of [
    '{"alg":"none","alg":"ES256"}',
    '{"alg":"ES256","alg":"none"}',
    '{"alg":"ES256","\\u0061lg":"HS256"}',
  ]) {
    assert.equal(await reasonFor(forge(header, goodClaims(), ec.privateKey)), 'token-malformed');
  }
});

test('what is no compact JWS of JSON objects is malformed', async () => {
  const [head, body, signature] = es({}).split('.');
  const badUtf8 = Buffer.from('{"alg":"ES256","x":"\xff"}', 'latin1').toString('base64url');
  for (const token of [
    `${head}.${body}.${signature}.`,
    `${head}.${body}.${signature}.x.y`,
    `${head}.${body}+/.${signature}`,
    `..`,
    'abc',
    `${badUtf8}.${body}.${signature}`,
    forge('[]', goodClaims(), ec.privateKey),
    forge('"ES256"', goodClaims(), ec.privateKey),
    forge('null', goodClaims(), ec.privateKey),
    forge({ alg: 'ES256' }, '[]', ec.privateKey),
    forge({ alg: 'ES256' }, '{"iss":', ec.privateKey),
    forge({ alg: 'ES256' }, `\ufeff${JSON.stringify(goodClaims())}`, ec.privateKey),
  ]) {
    assert.equal(await reasonFor(token), 'token-malformed', token.slice(0, 60));
  }
  for (const text of [
    `${head}=.${body}.${signature}`,
    'a b',
    `${es({})},${es({})}`,
    '"quoted"',
    '',
    'token=abc',
  ]) {
    assert.equal(await reasonFor(text), 'credential-malformed', text.slice(0, 20));
  }
});

test('a token beyond 16 KiB is not looked at, and a deep one does not hurt', async () => {
  assert.equal(await reasonFor(es({}, goodClaims({ pad: 'x'.repeat(16_384) }))), 'token-too-long');
  const deep = `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`;
  assert.equal(await reasonFor(forge({ alg: 'ES256' }, deep, ec.privateKey)), 'token-issuer-unknown');
});

test('identifiers of another type than text are refused, for they could not be revoked', async () => {
  for (const more of [{ jti: 1 }, { jti: ['j'] }, { sid: {} }, { sub: 5 }, { iat: 'now' }]) {
    assert.equal(await reasonFor(es({}, goodClaims(more))), 'token-claims', JSON.stringify(more));
  }
});

test('the client learns invalid_token whatever was wrong', async () => {
  const verdict = await method.inspect(arrivedWith({ authorization: `Bearer ${es({ alg: 'none' })}` }));
  assert.equal(method.challenge(verdict), 'Bearer realm="gateway", error="invalid_token"');
});
