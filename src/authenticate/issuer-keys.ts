import { createPublicKey, createSecretKey, type KeyObject } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { Secret } from '../lib/secret.ts';
import { isSecretAlgorithm, misfit, verificationKey } from './algorithms.ts';
import type { TokenHeader } from './token-shape.ts';

/** The keys with which tokens of one issuer may be signed. */
export interface IssuerKeys {
  /**
   * Gives the keys that may have signed a token with this header; several when the header leaves it open.
   * `alg` is one of the issuer's algorithms.
   * @throws SP_AUTHENTICATE_UNAVAILABLE with reason `keys-unavailable` while no key is known
   */
  candidates(header: TokenHeader): readonly CryptoKey[] | Promise<readonly CryptoKey[]>;
  /** Ends timers and fetches; safe to call twice. */
  close(): void;
}

const PEM_BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g;

/**
 * Gives the keys of a key file: PEM (public keys, certificates; several for a rotation), or a JWK or JWK set as JSON.
 * @throws SP_CONFIG_INVALID naming every problem: no key, a private key, an algorithm that fits none of the keys
 */
export function fileKeys(text: string, algorithms: readonly string[]): IssuerKeys {
  return fixedKeys(parseKeyFile(text), algorithms);
}

/**
 * Gives the one key of a shared secret.
 * @throws SP_CONFIG_INVALID when it is too short for an algorithm, or is the text of a public key
 */
export function secretKeys(secret: Secret, algorithms: readonly string[]): IssuerKeys {
  const text = secret.reveal();
  // The classic of algorithm confusion: a public key, known to all, taken for a secret.
  if (text.includes('-----BEGIN'))
    throw invalid(['the secret is a PEM text; a key belongs in `key: { file }`']);
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length === 0) throw invalid(['the secret is empty']);
  return fixedKeys([createSecretKey(bytes)], algorithms);
}

function fixedKeys(keys: readonly KeyObject[], algorithms: readonly string[]): IssuerKeys {
  const byAlgorithm = new Map<string, readonly CryptoKey[]>();
  const problems: string[] = [];
  for (const alg of algorithms) {
    const misfits = keys.map((key) => misfit(alg, key));
    const fitting = keys.filter((_, index) => misfits[index] === undefined);
    if (fitting.length === 0) problems.push(misfits[0] ?? `there is no key for ${alg}`);
    else
      byAlgorithm.set(
        alg,
        fitting.map((key) => verificationKey(alg, key)),
      );
  }
  if (problems.length > 0) throw invalid(problems);
  return { candidates: (header) => byAlgorithm.get(header.alg) ?? [], close: () => {} };
}

function parseKeyFile(text: string): KeyObject[] {
  try {
    const keys = text.trimStart().startsWith('{') ? parseJwks(text) : parsePem(text);
    if (keys.length > 0) return keys;
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw invalid(['the key file cannot be read as PEM or JWK'], error);
  }
  throw invalid(['the key file holds no public key']);
}

function parsePem(text: string): KeyObject[] {
  return Array.from(text.matchAll(PEM_BLOCK), ([block, label = '']) => {
    if (label.includes('PRIVATE'))
      throw invalid(['the key file holds a private key; only the public half belongs here']);
    return createPublicKey(block);
  });
}

function parseJwks(text: string): KeyObject[] {
  const value: unknown = JSON.parse(text);
  const jwks = isObject(value) && Array.isArray(value.keys) ? value.keys : [value];
  return jwks.map((jwk: unknown) => {
    if (!isObject(jwk)) throw new TypeError('not a JWK');
    if ('d' in jwk || 'k' in jwk)
      throw invalid(['the key file holds a private or secret key; only a public key belongs here']);
    return createPublicKey({ key: { ...jwk }, format: 'jwk' });
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function invalid(problems: readonly string[], cause?: unknown): GatewayError {
  return new GatewayError('SP_CONFIG_INVALID', { detail: problems.join('; '), problems, cause });
}

/** Gives what contradicts itself between algorithms and kind of keys; empty when nothing does. */
export function algorithmProblems(algorithms: readonly string[], kind: 'jwks' | 'file' | 'secret'): string[] {
  if (algorithms.length === 0) return ['at least one algorithm is needed'];
  return algorithms.flatMap((alg) => {
    if (kind === 'secret' && !isSecretAlgorithm(alg)) return [`${alg} needs a public key, not a secret`];
    if (kind !== 'secret' && isSecretAlgorithm(alg)) return [`${alg} needs a secret, not a public key`];
    return [];
  });
}
