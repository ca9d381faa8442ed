import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  type webcrypto,
} from 'node:crypto';
import { verificationKey } from './algorithms.ts';

/** ES256: the cheapest signature of `node:crypto` (26 us; Ed25519 41 us), and every JWT library verifies it. */
export const OWN_ALGORITHM = 'ES256';

/** A key pair of the gateway. Security: `privateKey` never leaves the process but sealed. */
export interface SigningKey {
  readonly kid: string;
  readonly createdAtMs: number;
  /** Not used for signing earlier, so that every process and upstream knows the key by then. */
  readonly usableFromMs: number;
  readonly privateKey: KeyObject;
  /** Verifies what it signed. */
  readonly verifier: CryptoKey;
  /** Public half as published (RFC 7517 §4). */
  readonly jwk: webcrypto.JsonWebKey;
}

/** Gives a new P-256 key pair with a random name. */
export function makeSigningKey(createdAtMs: number, usableFromMs: number): SigningKey {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  return assemble(randomBytes(12).toString('base64url'), createdAtMs, usableFromMs, privateKey);
}

/** Gives the keys as bytes, private halves included. Security: to be sealed at once. */
export function packSigningKeys(keys: readonly SigningKey[]): Uint8Array {
  const rows = keys.map(({ kid, createdAtMs, usableFromMs, privateKey }) => ({
    kid,
    createdAtMs,
    usableFromMs,
    pkcs8: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
  }));
  return Buffer.from(JSON.stringify({ keys: rows }));
}

/**
 * Reads packed keys, in the order in which they were packed.
 * @throws TypeError when the bytes are no packed keys; it tells nothing of them
 */
export function unpackSigningKeys(bytes: Uint8Array): SigningKey[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(bytes).toString('utf8'));
    const rows: unknown =
      typeof value === 'object' && value !== null && 'keys' in value ? value.keys : undefined;
    if (Array.isArray(rows)) return rows.map(unpackRow);
  } catch {
    // Told below, without the cause: a parser's message would quote the bytes.
  }
  throw new TypeError('the signing keys cannot be read');
}

function unpackRow(row: Record<string, unknown>): SigningKey {
  const { kid, createdAtMs, usableFromMs, pkcs8 } = row;
  if (typeof kid !== 'string' || typeof pkcs8 !== 'string') throw new TypeError('not a signing key');
  if (typeof createdAtMs !== 'number' || typeof usableFromMs !== 'number')
    throw new TypeError('not a signing key');
  const der = Buffer.from(pkcs8, 'base64');
  return assemble(
    kid,
    createdAtMs,
    usableFromMs,
    createPrivateKey({ key: der, format: 'der', type: 'pkcs8' }),
  );
}

function assemble(kid: string, createdAtMs: number, usableFromMs: number, privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: OWN_ALGORITHM };
  const verifier = verificationKey(OWN_ALGORITHM, publicKey);
  return { kid, createdAtMs, usableFromMs, privateKey, verifier, jwk };
}

/** Gives the compact JWS (RFC 7515 §3.1) of the claims, without a promise. */
export function signCompact(key: SigningKey, typ: string, claims: object): string {
  const header = Buffer.from(JSON.stringify({ alg: OWN_ALGORITHM, kid: key.kid, typ })).toString('base64url');
  const input = `${header}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}`;
  // JWS wants r and s side by side (RFC 7518 §3.4), not the DER that node:crypto gives by default.
  const signature = sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'ieee-p1363' });
  return `${input}.${signature.toString('base64url')}`;
}
