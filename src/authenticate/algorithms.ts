import type { KeyObject } from 'node:crypto';

/** What a signature algorithm demands of its key (RFC 7518 §3, RFC 8037 §3.1). */
interface Demand {
  readonly kind: 'secret' | 'rsa' | 'ec' | 'ed25519';
  /** Web Crypto's name of the algorithm, as `KeyObject.toCryptoKey` wants it. */
  readonly subtle:
    | { readonly name: 'HMAC' | 'RSASSA-PKCS1-v1_5' | 'RSA-PSS'; readonly hash: string }
    | { readonly name: 'ECDSA'; readonly namedCurve: string }
    | { readonly name: 'Ed25519' };
  /** Name of the curve in `node:crypto`. */
  readonly curve?: string;
  /** Shortest secret: as long as the hash (RFC 7518 §3.2). */
  readonly minSecretBytes?: number;
}

const MIN_RSA_BITS = 2048;

const DEMANDS: ReadonlyMap<string, Demand> = new Map<string, Demand>([
  ...[256, 384, 512].flatMap((bits): [string, Demand][] => {
    const hash = `SHA-${bits}`;
    return [
      [`HS${bits}`, { kind: 'secret', subtle: { name: 'HMAC', hash }, minSecretBytes: bits / 8 }],
      [`RS${bits}`, { kind: 'rsa', subtle: { name: 'RSASSA-PKCS1-v1_5', hash } }],
      [`PS${bits}`, { kind: 'rsa', subtle: { name: 'RSA-PSS', hash } }],
    ];
  }),
  ['ES256', { kind: 'ec', curve: 'prime256v1', subtle: { name: 'ECDSA', namedCurve: 'P-256' } }],
  ['ES384', { kind: 'ec', curve: 'secp384r1', subtle: { name: 'ECDSA', namedCurve: 'P-384' } }],
  ['ES512', { kind: 'ec', curve: 'secp521r1', subtle: { name: 'ECDSA', namedCurve: 'P-521' } }],
  ['EdDSA', { kind: 'ed25519', subtle: { name: 'Ed25519' } }],
  ['Ed25519', { kind: 'ed25519', subtle: { name: 'Ed25519' } }],
]);

/** Tells whether the algorithm signs with a secret that both sides hold. */
export function isSecretAlgorithm(alg: string): boolean {
  return DEMANDS.get(alg)?.kind === 'secret';
}

/** Gives what keeps a key from being used with a known algorithm, or `undefined` when it fits. */
export function misfit(alg: string, key: KeyObject): string | undefined {
  const demand = DEMANDS.get(alg);
  if (demand === undefined) return `${alg} is not supported`;
  if (demand.kind === 'secret') {
    if (key.type !== 'secret') return `${alg} needs a secret, not a public key`;
    const { minSecretBytes = 0 } = demand;
    return (key.symmetricKeySize ?? 0) < minSecretBytes
      ? `${alg} needs a secret of at least ${minSecretBytes} bytes`
      : undefined;
  }
  if (key.type !== 'public') return `${alg} needs a public key`;
  if (key.asymmetricKeyType !== demand.kind) {
    return `${alg} does not fit a key of type ${key.asymmetricKeyType ?? 'unknown'}`;
  }
  const { modulusLength = 0, namedCurve } = key.asymmetricKeyDetails ?? {};
  if (demand.kind === 'rsa' && modulusLength < MIN_RSA_BITS) {
    return `${alg} needs an RSA key of at least ${MIN_RSA_BITS} bits`;
  }
  if (demand.curve !== undefined && namedCurve !== demand.curve) {
    return `${alg} does not fit the curve ${namedCurve ?? 'unknown'}`;
  }
  return undefined;
}

/** Gives the key in the form that verifies fastest, bound to the algorithm. The key must fit it. */
export function verificationKey(alg: string, key: KeyObject): CryptoKey {
  const demand = DEMANDS.get(alg);
  if (demand === undefined) throw new TypeError(`${alg} is not supported`);
  return key.toCryptoKey(demand.subtle, false, ['verify']);
}
