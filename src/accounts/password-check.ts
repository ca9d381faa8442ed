import { createHmac, randomBytes } from 'node:crypto';
import type { Clock } from '../lib/clock.ts';
import { MAX_PASSWORD_BYTES } from './account-change.ts';
import { formatArgon2id, type HashParameters } from './argon2id.ts';
import { Decoys } from './decoys.ts';
import type { HashPool } from './hash-pool.ts';
import { hashScheme, verifyPassword } from './password-hash.ts';

/** What a check of passwords needs: where it may compute, and what real accounts cost. */
export interface PasswordCheckOptions {
  readonly pool: HashPool;
  readonly parameters: HashParameters;
  readonly clock: Clock;
  /** Counts how many real accounts have each scheme. */
  readonly schemes: () => Promise<ReadonlyMap<string, number>>;
}

const LEARN_EVERY_MS = 10 * 60 * 1000;

/** The slow comparison: once for all who ask the same at the same time, and at one cost for known and unknown names. */
export class PasswordCheck<T> {
  readonly #options: PasswordCheckOptions;
  readonly #decoys: Decoys;
  readonly #key = randomBytes(32);
  readonly #running = new Map<string, Promise<T | undefined>>();
  #learning: Promise<void> | undefined;
  #learnedAtMs = Number.NEGATIVE_INFINITY;
  #learned = false;

  constructor(options: PasswordCheckOptions) {
    this.#options = options;
    const blank = { salt: Buffer.alloc(16), tag: Buffer.alloc(32) };
    this.#decoys = new Decoys(hashScheme(formatArgon2id({ ...options.parameters, ...blank })) ?? '');
  }

  /**
   * Gives the answer of `ask`, shared by everybody who comes with the same name and password before it is there.
   * @returns `undefined` without asking for a password that no account can have
   *
   * Security: sharing starts before anything is looked up, so that it does not tell known names from unknown ones.
   */
  async once(name: string, password: string, ask: () => Promise<T | undefined>): Promise<T | undefined> {
    // bcrypt and apr1 are C at heart: what follows a NUL may not count there.
    if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES || password.includes('\0')) return undefined;
    const key = createHmac('sha256', this.#key)
      .update(JSON.stringify([name, password]))
      .digest('base64');
    const running = this.#running.get(key);
    if (running !== undefined) return running;
    const answer = ask().finally(() => this.#running.delete(key));
    this.#running.set(key, answer);
    return answer;
  }

  /** @param hash - the account's; `undefined` for a name without account, which costs as much and is never right */
  async compare(name: string, password: string, hash: string | undefined): Promise<boolean> {
    await this.#learn();
    const decoy = this.#decoys.pick(name);
    const right = await this.#options.pool.run(() => verifyPassword(hash ?? decoy, password));
    return right && hash !== undefined;
  }

  /** Waits for the first count of schemes; later ones run beside. */
  async #learn(): Promise<void> {
    const nowMs = this.#options.clock();
    if (Math.abs(nowMs - this.#learnedAtMs) >= LEARN_EVERY_MS) {
      this.#learnedAtMs = nowMs;
      this.#learning = this.#count();
    }
    if (!this.#learned) await this.#learning;
  }

  async #count(): Promise<void> {
    try {
      this.#decoys.learn(await this.#options.schemes());
      this.#learned = true;
    } catch {
      // The state is away, as the caller is about to hear; the next check counts again.
      this.#learnedAtMs = Number.NEGATIVE_INFINITY;
    }
  }
}
