import { createHash, createHmac, createPublicKey, type KeyObject, sign } from 'node:crypto';

/** Public half of an account key, with its members in the order that RFC 7638 §3 hashes. */
export interface AccountJwk {
  readonly crv: 'P-256';
  readonly kty: 'EC';
  readonly x: string;
  readonly y: string;
}

type Field = string | AccountJwk;

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}

/** Gives the public half of a P-256 key. @throws Error for any other key */
export function jwkOf(key: KeyObject): AccountJwk {
  const { crv, x, y } = createPublicKey(key).export({ format: 'jwk' });
  if (crv !== 'P-256' || x === undefined || y === undefined) throw new Error('not a P-256 key');
  return { crv, kty: 'EC', x, y };
}

/** Gives the SHA-256 thumbprint of an account key, base64url (RFC 7638). */
export function thumbprint(jwk: AccountJwk): string {
  return createHash('sha256').update(JSON.stringify(jwk)).digest('base64url');
}

/** Gives a message signed with ES256, flattened JSON (RFC 8555 §6.2, RFC 7515 §7.2.2). @param payload - `''` for POST-as-GET */
export function signMessage(
  key: KeyObject,
  header: Readonly<Record<string, Field>>,
  payload: string,
): string {
  const protectedPart = base64url(JSON.stringify({ alg: 'ES256', ...header }));
  const body = base64url(payload);
  const signature = sign('sha256', Buffer.from(`${protectedPart}.${body}`), {
    key,
    dsaEncoding: 'ieee-p1363',
  });
  return JSON.stringify({
    protected: protectedPart,
    payload: body,
    signature: signature.toString('base64url'),
  });
}

/** An account at the CA's operator that a new ACME account is tied to. */
export interface ExternalAccount {
  readonly kid: string;
  /** Base64url, as the CA's operator gave it. */
  readonly key: string;
}

/** Gives the external account binding of an account key, HS256 (RFC 8555 §7.3.4). */
export function bindExternally(account: ExternalAccount, jwk: AccountJwk, url: string): object {
  const protectedPart = base64url(JSON.stringify({ alg: 'HS256', kid: account.kid, url }));
  const payload = base64url(JSON.stringify(jwk));
  const signature = createHmac('sha256', Buffer.from(account.key, 'base64url'))
    .update(`${protectedPart}.${payload}`)
    .digest('base64url');
  return { protected: protectedPart, payload, signature };
}
