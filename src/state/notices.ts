import { asGatewayError } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import { decodeNotice, encodeNotice, type Notice } from './notice.ts';
import type { Store, StoredEvent } from './store.ts';

export type { Notice };

/** How long to wait before the state is asked again for the end of the log. */
const RETRY_MS = 500;

/**
 * The typed events of the log, told to whoever listens in this process.
 *
 * Comes in: notices of every process on the same state. Goes out: calls to listeners, within a second.
 * Whoever derives things from the state listens first and reads the state after `start()`, and again on every gap:
 * the offset is taken before any such read, so that no notice is lost between snapshot and log.
 */
export class Notices {
  readonly #store: Store;
  readonly #logger: Logger;
  readonly #listeners = new Set<(notice: Notice) => void>();
  readonly #gapListeners = new Set<() => void>();
  #stopFollowing: (() => void) | undefined;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;
  #warned = false;

  constructor({ store, logger }: { readonly store: Store; readonly logger: Logger }) {
    this.#store = store;
    this.#logger = logger;
  }

  /**
   * Follows the log from its present end. Never fails: an unreachable state is asked again until it answers, and
   * then gap listeners are called, since what they read before may be older than the offset.
   */
  async start(): Promise<void> {
    if (this.#closed || this.#stopFollowing !== undefined) return;
    try {
      const from = await this.#store.events.tail();
      if (this.#closed || this.#stopFollowing !== undefined) return;
      this.#stopFollowing = this.#store.events.follow(
        from,
        (events) => this.#take(events),
        () => this.#gap(),
      );
    } catch (error) {
      this.#tryLater(error);
      return;
    }
    this.#gap();
  }

  /**
   * Tells every process, this one at once. Listeners here hear it again from the log: they must not mind.
   * @throws SP_STATE_UNREACHABLE when the others were not told
   */
  async publish(notice: Notice): Promise<void> {
    this.#tell(notice);
    await this.#store.events.append(encodeNotice(notice));
  }

  /** Calls `listener` with every notice until the returned function is called. */
  on(listener: (notice: Notice) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls `listener` when notices may have been missed: what was derived from the state must be read anew. */
  onGap(listener: () => void): () => void {
    this.#gapListeners.add(listener);
    return () => this.#gapListeners.delete(listener);
  }

  /** Stops following; safe to call twice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#stopFollowing?.();
  }

  #tryLater(error: unknown): void {
    if (this.#closed) return;
    if (!this.#warned) {
      this.#warned = true;
      const { code, reason } = asGatewayError(error);
      this.#logger.warn({ code, reason }, 'the event log cannot be followed yet');
    }
    this.#retry = setTimeout(() => void this.start(), RETRY_MS).unref();
  }

  #take(events: readonly StoredEvent[]): void {
    if (this.#closed) return;
    for (const event of events) {
      try {
        const notice = decodeNotice(event.value);
        if (notice === undefined) this.#logger.debug({}, 'an event of an unknown kind was skipped');
        else this.#tell(notice);
      } catch {
        // It may have been a revocation: only reading everything anew makes sure.
        this.#logger.warn({ reason: 'garbage-event' }, 'an event of the log cannot be read');
        this.#gap();
      }
    }
  }

  #tell(notice: Notice): void {
    for (const listener of this.#listeners) this.#call(() => listener(notice));
  }

  #gap(): void {
    for (const listener of this.#gapListeners) this.#call(listener);
  }

  #call(listener: () => void): void {
    try {
      listener();
    } catch (error) {
      const { code, detail } = asGatewayError(error);
      this.#logger.error({ code, detail }, 'a listener of the event log failed');
    }
  }
}
