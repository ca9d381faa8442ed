import { createHash, timingSafeEqual } from 'node:crypto';
import type { Secret } from '../lib/secret.ts';

/** RFC 6750 §2.1: the scheme in any case, one space, a b64token. */
const BEARER = /^bearer ([A-Za-z0-9._~+/-]+=*)$/i;

/**
 * Gives the test of an `Authorization` value against the admin token.
 *
 * Security: both sides are hashed before they are compared, so neither content nor length shows in the time taken.
 */
export function makeBearerCheck(token: Secret): (authorization: string | undefined) => boolean {
  const expected = digest(token.reveal());
  return (authorization) => {
    const given = BEARER.exec(authorization ?? '')?.[1];
    const same = timingSafeEqual(digest(given ?? ''), expected);
    return given !== undefined && same;
  };
}

function digest(value: string): Buffer {
  return createHash('sha256').update(value).digest();
}
