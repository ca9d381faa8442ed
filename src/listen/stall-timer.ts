/**
 * Watches a client that has to take bytes: one that takes none for too long is given up, or it would hold an upstream's
 * connection for ever.
 */
export class StallTimer {
  readonly #ms: number;
  readonly #onStall: () => void;
  #timer: NodeJS.Timeout | undefined;

  /** @param ms - longest silence; 0 for no bound */
  constructor(ms: number, onStall: () => void) {
    this.#ms = ms;
    this.#onStall = onStall;
  }

  /** The client has bytes to take. */
  arm(): void {
    if (this.#ms > 0) this.#timer ??= setTimeout(this.#onStall, this.#ms).unref();
  }

  /** It took them. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
