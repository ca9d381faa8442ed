/** Lets jobs of the same key run one after the other; jobs of different keys do not wait for each other. */
export class Turns {
  readonly #limit: number;
  readonly #lines = new Map<string, { tail: Promise<unknown>; length: number }>();

  /** @param limit - most jobs of one key, the running one included */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Runs the job when those before it are done; `undefined`, at once, when too many wait already. */
  take<T>(key: string, job: () => Promise<T>): Promise<T> | undefined {
    const line = this.#lines.get(key) ?? { tail: Promise.resolve(), length: 0 };
    if (line.length >= this.#limit) return undefined;
    this.#lines.set(key, line);
    line.length++;
    const result = line.tail.then(job);
    const leave = () => {
      if (--line.length === 0) this.#lines.delete(key);
    };
    line.tail = result.then(leave, leave);
    return result;
  }
}
