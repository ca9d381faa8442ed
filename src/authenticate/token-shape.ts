import { strictUtf8 } from './authorization-header.ts';
import { hasDuplicateMember } from './json-members.ts';
import { type Rejected, rejected } from './method.ts';

/** Longest token that is looked at. A larger one would not fit into most servers' headers anyway. */
export const MAX_TOKEN_CHARS = 16 * 1024;

/** A token as it claims to be. Security: nothing in it is verified; `issuer` only finds whose key to try. */
export interface TokenShape {
  readonly header: TokenHeader;
  readonly issuer: string;
}

/** The members of the header that are looked at (RFC 7515 §4.1). */
export interface TokenHeader {
  readonly alg: string;
  readonly kid: string | undefined;
}

/**
 * Members by which the sender would choose the key (`jku`, `jwk`, `x5u`, `x5c`) or change how the token is read
 * (`crit`, `b64`, `zip`, `enc`). No issuer needs them towards a gateway that knows its keys.
 */
const REFUSED_MEMBERS = ['jku', 'jwk', 'x5u', 'x5c', 'crit', 'b64', 'zip', 'enc'] as const;
const PART = /^[A-Za-z0-9_-]+$/;

/**
 * Gives header and issuer of a compact JWS, or why it is not one (RFC 7515 §3.1, RFC 7519 §7.2).
 *
 * Security: what has more than one reading is refused here, before any key is touched: other characters than
 * base64url, duplicate JSON members, wrong UTF-8, header members that carry keys or extensions.
 */
export function readTokenShape(token: string): TokenShape | Rejected {
  if (token.length > MAX_TOKEN_CHARS) return rejected('token-too-long');
  const parts = token.split('.');
  const [header, payload, signature] = parts;
  if (parts.length !== 3 || header === undefined || payload === undefined) return rejected('token-malformed');
  const head = readObject(header);
  if (head === undefined) return rejected('token-malformed');
  if (REFUSED_MEMBERS.some((name) => Object.hasOwn(head, name))) return rejected('token-header');
  const { alg, kid } = head;
  if (typeof alg !== 'string' || !isSignature(alg)) return rejected('token-algorithm');
  if (kid !== undefined && typeof kid !== 'string') return rejected('token-header');
  if (signature === undefined || !PART.test(signature)) return rejected('token-malformed');
  const claims = readObject(payload);
  if (claims === undefined) return rejected('token-malformed');
  if (typeof claims.iss !== 'string') return rejected('token-issuer-unknown');
  return { header: { alg, kid }, issuer: claims.iss };
}

/** Any spelling of `none` is told as what it is, also where the empty signature would make the token malformed. */
function isSignature(alg: string): boolean {
  return alg !== '' && alg.toLowerCase() !== 'none';
}

function readObject(part: string): Record<string, unknown> | undefined {
  if (!PART.test(part)) return undefined;
  const text = strictUtf8(Buffer.from(part, 'base64url'));
  if (text === undefined) return undefined;
  const value = parse(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return hasDuplicateMember(text) ? undefined : { ...value };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
