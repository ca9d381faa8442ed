/** A bound on time that stands still while something runs that does not count. */
export class Deadline {
  readonly #over = new AbortController();
  readonly #reason: Error;
  #leftMs: number;
  #sinceMs = 0;
  #timer: NodeJS.Timeout | undefined;

  /** @param reason - of the signal, once the time is over */
  constructor(ms: number, reason: Error) {
    this.#leftMs = ms;
    this.#reason = reason;
    this.#go();
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  /** Runs something for which the time stands still; one at a time. */
  async without<T>(work: () => Promise<T>): Promise<T> {
    clearTimeout(this.#timer);
    this.#leftMs -= performance.now() - this.#sinceMs;
    try {
      return await work();
    } finally {
      this.#go();
    }
  }

  /** The time does not run out any more. */
  end(): void {
    clearTimeout(this.#timer);
  }

  #go(): void {
    if (this.#over.signal.aborted) return;
    this.#sinceMs = performance.now();
    this.#timer = setTimeout(() => this.#over.abort(this.#reason), Math.max(0, this.#leftMs)).unref();
  }
}
