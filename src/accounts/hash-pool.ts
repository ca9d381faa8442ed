import { GatewayError } from '../errors.ts';

/** Lets few slow hashes run at a time, and few wait: they share libuv's four threads with files and keys. */
export class HashPool {
  readonly #concurrency: number;
  readonly #maxWaiting: number;
  readonly #waiting: (() => void)[] = [];
  #running = 0;

  /** @param limits - `concurrency` hashes at a time (default 2), `waiting` behind them (default 64) */
  constructor({
    concurrency = 2,
    waiting = 64,
  }: { readonly concurrency?: number; readonly waiting?: number } = {}) {
    this.#concurrency = concurrency;
    this.#maxWaiting = waiting;
  }

  /**
   * Runs a task when it is its turn, in the order of the calls.
   * @throws SP_AUTHENTICATE_UNAVAILABLE, reason `hash-queue-full`, at once when too many wait
   */
  async run<T>(task: () => Promise<T>): Promise<T> {
    if (this.#running < this.#concurrency) this.#running += 1;
    else await this.#turn();
    try {
      return await task();
    } finally {
      // The place goes to the next one directly, so that no newcomer takes it in between.
      const next = this.#waiting.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turn(): Promise<void> {
    if (this.#waiting.length >= this.#maxWaiting) {
      throw new GatewayError('SP_AUTHENTICATE_UNAVAILABLE', {
        reason: 'hash-queue-full',
        detail: `${this.#maxWaiting} password checks are waiting already`,
        headers: ['retry-after', '1'],
      });
    }
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
