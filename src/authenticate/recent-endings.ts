/**
 * Remembers the order of the latest endings, so that a slow verification can find out whether what it relied on ended
 * meanwhile. Bounded: for a mark that is too old to know, the answer is that something ended.
 */
export class RecentEndings {
  readonly #limit: number;
  readonly #sequenceByTag = new Map<string, number>();
  #sequence = 0;
  /** Endings up to this one may have been forgotten, or concerned everything. */
  #floor = 0;

  /** @param limit - most tags remembered, at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Gives the present position; equal marks mean that nothing ended in between. */
  mark(): number {
    return this.#sequence;
  }

  add(tag: string): void {
    this.#sequenceByTag.delete(tag);
    this.#sequenceByTag.set(tag, ++this.#sequence);
    if (this.#sequenceByTag.size <= this.#limit) return;
    for (const [oldest, sequence] of this.#sequenceByTag) {
      this.#sequenceByTag.delete(oldest);
      this.#floor = sequence;
      return;
    }
  }

  /** Counts as the ending of everything. */
  addAll(): void {
    this.#floor = ++this.#sequence;
    this.#sequenceByTag.clear();
  }

  /** Tells whether one of the tags ended after the mark, or may have. */
  anySince(mark: number, tags: readonly string[]): boolean {
    if (mark < this.#floor) return true;
    return tags.some((tag) => (this.#sequenceByTag.get(tag) ?? 0) > mark);
  }
}
