import { createPublicKey, type KeyObject } from 'node:crypto';
import { misfit, verificationKey } from './algorithms.ts';
import type { TokenHeader } from './token-shape.ts';

interface Member {
  readonly kid: string | undefined;
  readonly alg: string | undefined;
  readonly key: KeyObject;
  /** By algorithm, imported at the first use. */
  readonly imported: Map<string, CryptoKey>;
}

/** Most keys tried for a token that names none: each costs a signature check. */
const MAX_CANDIDATES = 8;

/** The public signature keys of a JWK set (RFC 7517 §5). */
export class KeySet {
  readonly #members: readonly Member[];

  private constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /**
   * Gives the usable keys of a JWK set: public, for signatures, of a known type, long enough for at least one of the
   * algorithms. All others are left out, as RFC 7517 §5 says.
   * @throws TypeError when the text is no JWK set, or no key of it is usable
   */
  static parse(text: string, algorithms: readonly string[]): KeySet {
    const value: unknown = JSON.parse(text);
    const keys = isObject(value) ? value.keys : undefined;
    if (!Array.isArray(keys)) throw new TypeError('it is not a JWK set');
    const members = keys.flatMap((jwk: unknown) => readMember(jwk, algorithms) ?? []);
    if (members.length === 0) throw new TypeError('it holds no usable key');
    return new KeySet(members);
  }

  /** Gives the keys that may have signed a token with this header; a named key must have exactly that name. */
  find(header: TokenHeader): CryptoKey[] {
    const found: CryptoKey[] = [];
    for (const member of this.#members) {
      if (header.kid !== undefined && member.kid !== header.kid) continue;
      if (member.alg !== undefined && member.alg !== header.alg) continue;
      if (misfit(header.alg, member.key) !== undefined) continue;
      found.push(importOnce(member, header.alg));
      if (found.length === MAX_CANDIDATES) break;
    }
    return found;
  }
}

function importOnce(member: Member, alg: string): CryptoKey {
  const known = member.imported.get(alg);
  if (known !== undefined) return known;
  const key = verificationKey(alg, member.key);
  member.imported.set(alg, key);
  return key;
}

function readMember(jwk: unknown, algorithms: readonly string[]): Member | undefined {
  if (!isObject(jwk) || jwk.kty === 'oct' || 'd' in jwk || 'k' in jwk) return undefined;
  const { kid, alg, use, key_ops: operations } = jwk;
  if (use !== undefined && use !== 'sig') return undefined;
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify')))
    return undefined;
  if (alg !== undefined && typeof alg !== 'string') return undefined;
  if (kid !== undefined && typeof kid !== 'string') return undefined;
  const key = importJwk(jwk);
  if (key === undefined || algorithms.every((name) => misfit(name, key) !== undefined)) return undefined;
  return { kid, alg, key, imported: new Map() };
}

function importJwk(jwk: Record<string, unknown>): KeyObject | undefined {
  try {
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
