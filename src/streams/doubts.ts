import { asGatewayError } from '../errors.ts';
import type { Admitted, Arrived } from '../exchange.ts';
import type { OpenStream } from './open-stream.ts';

/** Takes a request through the present house once more, up to the decision; throws or rejects as the rooms do. */
export type Review = (arrived: Arrived) => Promise<Admitted>;

export interface DoubtsOptions {
  readonly review: Review;
  /** The stream may stay, as decided now. */
  readonly kept: (stream: OpenStream, admitted: Admitted) => void;
  /** The stream's request would be refused now. */
  readonly refused: (stream: OpenStream) => void;
}

/** Reviews at once: enough to keep a state busy, not enough to starve requests. */
const AT_ONCE = 64;

/**
 * Streams whose admission may have changed, each decided anew by asking the rooms again.
 *
 * While nobody can say (the state is away, too many attempts are waiting) a stream stays open and doubtful, and is
 * asked for again by `again()`.
 */
export class Doubts {
  readonly #options: DoubtsOptions;
  readonly #open = new Set<OpenStream>();
  #position = 0;
  #running = false;

  constructor(options: DoubtsOptions) {
    this.#options = options;
  }

  add(streams: Iterable<OpenStream>): void {
    for (const stream of streams) {
      stream.doubtedAt = ++this.#position;
      this.#open.add(stream);
    }
    this.again();
  }

  /** Forgets a stream that is over. */
  remove(stream: OpenStream): void {
    this.#open.delete(stream);
  }

  /** Asks for every doubtful stream once, unless that is under way. */
  again(): void {
    if (this.#running || this.#open.size === 0) return;
    void this.#askAll();
  }

  async #askAll(): Promise<void> {
    this.#running = true;
    let asked = 0;
    while (asked < this.#position) {
      const from = asked;
      const round = [...this.#open].filter((stream) => stream.doubtedAt > from);
      asked = this.#position;
      for (let start = 0; start < round.length; start += AT_ONCE) {
        await Promise.all(round.slice(start, start + AT_ONCE).map((stream) => this.#ask(stream)));
      }
    }
    this.#running = false;
  }

  async #ask(stream: OpenStream): Promise<void> {
    if (!this.#open.has(stream)) return;
    const asOf = this.#position;
    try {
      const admitted = await this.#options.review(stream.admitted.arrived);
      // What was doubted again meanwhile is not settled by an answer to the earlier question.
      if (!this.#open.has(stream) || stream.doubtedAt > asOf) return;
      this.#open.delete(stream);
      this.#options.kept(stream, admitted);
    } catch (thrown) {
      if (!isRefusal(thrown) || !this.#open.delete(stream)) return;
      this.#options.refused(stream);
    }
  }
}

/** Tells a decision from the inability to decide. */
function isRefusal(thrown: unknown): boolean {
  const { status } = asGatewayError(thrown);
  return status === 400 || status === 401 || status === 403 || status === 404 || status === 421;
}
