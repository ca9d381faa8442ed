/** How often what was seen is written. */
const FLUSH_MS = 3_000;
/** Most sessions remembered between two writes: beyond it the newest wait for their next request. */
const MAX_PENDING = 50_000;
const PARALLEL = 16;

/** When sessions were last used, gathered in memory and written together, so that no request waits for it. */
export class Touches {
  readonly #write: (id: string, seenMs: number) => Promise<void>;
  readonly #pending = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;
  #closed = false;

  /** @param write - stores one time; when it fails, the time is kept for the next flush */
  constructor(write: (id: string, seenMs: number) => Promise<void>) {
    this.#write = write;
  }

  /** Remembers that a session was used. */
  add(id: string, seenMs: number): void {
    if (this.#closed || (this.#pending.size >= MAX_PENDING && !this.#pending.has(id))) return;
    this.#pending.set(id, seenMs);
    this.#schedule();
  }

  /** Gives a time that is not written yet, milliseconds since the epoch. */
  get(id: string): number | undefined {
    return this.#pending.get(id);
  }

  /** Writes what was gathered; never fails. */
  flush(): Promise<void> {
    this.#flushing ??= this.#writeAll().finally(() => {
      this.#flushing = undefined;
      this.#schedule();
    });
    return this.#flushing;
  }

  /** Writes the rest, once, and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    await this.#flushing;
    await this.flush();
  }

  async #writeAll(): Promise<void> {
    const batch = [...this.#pending];
    for (let start = 0; start < batch.length; start += PARALLEL) {
      const written = await Promise.allSettled(
        batch.slice(start, start + PARALLEL).map(([id, seenMs]) => this.#writeOne(id, seenMs)),
      );
      // The state is away: the others would fail as well.
      if (written.some((result) => result.status === 'rejected')) return;
    }
  }

  async #writeOne(id: string, seenMs: number): Promise<void> {
    await this.#write(id, seenMs);
    if (this.#pending.get(id) === seenMs) this.#pending.delete(id);
  }

  #schedule(): void {
    if (this.#closed || this.#timer !== undefined || this.#pending.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, FLUSH_MS).unref();
  }
}
