/** When and from where an app password was used. */
export interface Use {
  readonly atMs: number;
  readonly address: string;
}

const FLUSH_MS = 3_000;
/** Most app passwords remembered between two writes: beyond it the newest wait for their next request. */
const MAX_PENDING = 10_000;
const PARALLEL = 16;

/** Last uses, gathered in memory and written together, so that no request waits for it. */
export class LastUses {
  readonly #write: (id: string, use: Use) => Promise<void>;
  #pending = new Map<string, Use>();
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  /** @param write - stores one use; when it fails, the use is forgotten, for the next one will tell more */
  constructor(write: (id: string, use: Use) => Promise<void>) {
    this.#write = write;
  }

  add(id: string, use: Use): void {
    if (this.#closed || (this.#pending.size >= MAX_PENDING && !this.#pending.has(id))) return;
    this.#pending.set(id, use);
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_MS).unref();
  }

  /** Writes what was gathered; never fails. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = [...this.#pending];
    this.#pending = new Map();
    for (let start = 0; start < batch.length; start += PARALLEL) {
      const part = batch.slice(start, start + PARALLEL);
      await Promise.allSettled(part.map(([id, use]) => this.#write(id, use)));
    }
  }

  /** Writes the rest and takes no more. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.flush();
  }
}
