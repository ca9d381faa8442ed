/**
 * Names of the keys. Records, indexes, leases and events share one hash tag, hence one slot of a Cluster, for a reason: a record
 * and the lists in which it is found must change in one step, or "end all sessions of this user" could miss one. The load allows
 * it: the hot path asks no database. Counters are single keys and spread over the slots.
 *
 * @see https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags
 */
export class RedisKeys {
  readonly #prefix: string;
  readonly #tag: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
    this.#tag = `{${prefix}}`;
  }

  /** The stream that holds the event log. */
  get events(): string {
    return `${this.#tag}:events`;
  }

  /** Record keys begin with it. */
  get records(): string {
    return `${this.#tag}:record:`;
  }

  /** Keys of index sets begin with it. */
  get indexes(): string {
    return `${this.#tag}:index:`;
  }

  record(key: string): string {
    return this.records + key;
  }

  index(name: string): string {
    return this.indexes + name;
  }

  lease(name: string): string {
    return `${this.#tag}:lease:${name}`;
  }

  fence(name: string): string {
    return `${this.#tag}:fence:${name}`;
  }

  counter(name: string): string {
    return `${this.#prefix}:counter:${name}`;
  }
}
