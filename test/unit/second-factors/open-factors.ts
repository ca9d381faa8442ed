import { randomBytes } from 'node:crypto';
import type { TestContext } from 'node:test';
import { silentLogger } from '../../../src/lib/logger.ts';
import { makeSealer } from '../../../src/lib/seal.ts';
import { FailureCounter } from '../../../src/limits/failures.ts';
import { SecondFactors } from '../../../src/second-factors/second-factors.ts';
import { totpCode } from '../../../src/second-factors/totp.ts';
import type { Store } from '../../../src/state/store.ts';
import { openCellar } from '../../support/cellar.ts';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/** Opens the second factors of an empty house; `elsewhere` gives them as another process sees them. */
export function openFactors(t: TestContext) {
  const cellar = openCellar(t);
  const sealer = makeSealer(randomBytes(32));
  const furnish = (store: Store) => {
    const shared = { store, clock: cellar.clock, logger: silentLogger };
    const failures = new FailureCounter({ ...shared, name: 'second', canonicalName: (user) => user });
    return new SecondFactors({ ...shared, sealer, failures, issuer: 'Sallyport' });
  };
  return {
    ...cellar,
    factors: furnish(cellar.store),
    elsewhere: async () => furnish((await cellar.another()).store),
  };
}

/** Gives the code that an app shows for a secret in base32. */
export function codeOf(secret: string, nowMs: number): string {
  let bits = '';
  for (const letter of secret) bits += ALPHABET.indexOf(letter).toString(2).padStart(5, '0');
  const bytes = bits.match(/.{8}/g)?.map((byte) => Number.parseInt(byte, 2)) ?? [];
  return totpCode(Uint8Array.from(bytes), Math.floor(nowMs / 30_000));
}
