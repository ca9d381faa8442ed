import { generateKeyPairSync, sign } from 'node:crypto';

export interface TestToken {
  /** `Bearer ...`, valid for a day. */
  readonly authorization: string;
  /** PEM of the public key (SPKI). */
  readonly publicKey: string;
}

/** Gives a signed JWT (RFC 7519) and the key that verifies it. */
export function makeToken(
  algorithm: 'ES256' | 'RS256',
  claims: Readonly<Record<string, unknown>>,
): TestToken {
  const pair =
    algorithm === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 });
  const nowSec = Math.floor(Date.now() / 1000);
  const payload = { iat: nowSec, exp: nowSec + 86_400, ...claims };
  const signed = `${encode({ alg: algorithm, typ: 'JWT' })}.${encode(payload)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: pair.privateKey, dsaEncoding: 'ieee-p1363' });
  return {
    authorization: `Bearer ${signed}.${signature.toString('base64url')}`,
    publicKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}
