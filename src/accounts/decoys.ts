import { createHmac, randomBytes } from 'node:crypto';
import { decoyHash } from './password-hash.ts';

/**
 * Hashes for names that have no account, so that they cost what a real one would.
 *
 * Each name gets, for good, a scheme drawn as often as real accounts have it: an unknown name then looks like an
 * argon2id account, or like an imported one that is still under bcrypt, and asking twice tells nothing more.
 */
export class Decoys {
  readonly #key = randomBytes(32);
  readonly #usual: string;
  #shares: readonly { readonly upTo: number; readonly hash: string }[] = [];

  /** @param usual - scheme of new accounts, used while nothing is known of the real ones */
  constructor(usual: string) {
    this.#usual = decoyHash(usual);
  }

  /** @param schemes - scheme -> number of accounts that have it */
  learn(schemes: ReadonlyMap<string, number>): void {
    let upTo = 0;
    // Sorted, so that a name keeps its scheme from one reading to the next.
    const sorted = [...schemes].sort(([a], [b]) => (a < b ? -1 : 1));
    this.#shares = sorted.map(([scheme, count]) => {
      upTo += count;
      return { upTo, hash: decoyHash(scheme) };
    });
  }

  /** Gives the hash that stands in for the account of this name. */
  pick(name: string): string {
    const total = this.#shares.at(-1)?.upTo ?? 0;
    const draw = createHmac('sha256', this.#key).update(name).digest().readUInt32BE(0) % Math.max(1, total);
    return this.#shares.find(({ upTo }) => draw < upTo)?.hash ?? this.#usual;
  }
}
