import { GatewayError } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import { fetchDocument } from './fetch-document.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import { KeySet } from './key-set.ts';
import type { ReasonWord } from './method.ts';
import type { TokenHeader } from './token-shape.ts';

export interface RemoteKeysOptions {
  /** Where the JWK set is: https, or http on this machine. */
  readonly url: string;
  /** PEM certificates that replace the system's authorities. */
  readonly ca: string | undefined;
  /** The issuer's algorithms; keys that fit none of them are left out. */
  readonly algorithms: readonly string[];
  /** Log field. */
  readonly issuer: string;
  readonly logger: Logger;
  /** Time between two successful fetches, milliseconds. Default 5 minutes. */
  readonly refreshMs?: number;
  /** Least time between two fetches whatever came of the first, milliseconds. Default 30 s. */
  readonly coolDownMs?: number;
  /** Longest wait of a request for the first keys, and bound of every fetch, milliseconds. Default 5 s. */
  readonly timeoutMs?: number;
}

const MAX_BYTES = 256 * 1024;
/** First retry while no keys are known at all; doubles up to the cool-down. */
const FIRST_RETRY_MS = 1000;

/**
 * The keys of an issuer as published at a URL (RFC 7517 §5), fetched in the background from construction on.
 *
 * Requests never wait for a refresh: old keys stay while the provider is down or sends nonsense. A token naming an
 * unknown key causes at most one fetch per cool-down, failed fetches counted, and all such requests wait for the same
 * one. A key that the provider no longer publishes is out with the next fetch.
 */
export class RemoteKeys implements IssuerKeys {
  readonly #options: RemoteKeysOptions;
  readonly #refreshMs: number;
  readonly #coolDownMs: number;
  readonly #timeoutMs: number;
  readonly #closing = new AbortController();
  #keys: KeySet | undefined;
  #flight: Promise<void> | undefined;
  #lastStartMs = Number.NEGATIVE_INFINITY;
  #failures = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: RemoteKeysOptions) {
    this.#options = options;
    this.#refreshMs = options.refreshMs ?? 300_000;
    this.#coolDownMs = options.coolDownMs ?? 30_000;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    void this.#fetch();
  }

  candidates(header: TokenHeader): readonly CryptoKey[] | Promise<readonly CryptoKey[]> {
    const found = this.#keys?.find(header) ?? [];
    return found.length > 0 ? found : this.#afterFetch(header);
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  async #afterFetch(header: TokenHeader): Promise<readonly CryptoKey[]> {
    if (this.#flight !== undefined || this.#mayFetch()) await this.#fetch();
    if (this.#keys !== undefined) return this.#keys.find(header);
    const reason: ReasonWord = 'keys-unavailable';
    throw new GatewayError('SP_AUTHENTICATE_UNAVAILABLE', {
      reason,
      detail: `the keys of issuer ${this.#options.issuer} could not be fetched yet`,
    });
  }

  #mayFetch(): boolean {
    return !this.#closing.signal.aborted && performance.now() - this.#lastStartMs >= this.#coolDownMs;
  }

  /** Joins the fetch under way, or starts one. Never rejects. */
  #fetch(): Promise<void> {
    this.#flight ??= this.#fetchOnce().finally(() => {
      this.#flight = undefined;
      this.#scheduleNext();
    });
    return this.#flight;
  }

  async #fetchOnce(): Promise<void> {
    const { url, ca, algorithms, issuer, logger } = this.#options;
    this.#lastStartMs = performance.now();
    clearTimeout(this.#timer);
    try {
      const text = await fetchDocument(url, {
        ca,
        timeoutMs: this.#timeoutMs,
        maxBytes: MAX_BYTES,
        signal: this.#closing.signal,
      });
      this.#keys = KeySet.parse(text, algorithms);
      this.#failures = 0;
    } catch (error) {
      this.#failures++;
      if (this.#closing.signal.aborted) return;
      const why = describe(error);
      const kept = this.#keys !== undefined;
      logger.warn({ issuer, why, kept }, 'the keys of a token issuer could not be fetched');
    }
  }

  #scheduleNext(): void {
    if (this.#closing.signal.aborted) return;
    const retryMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(this.#failures - 1, 16), this.#coolDownMs);
    this.#timer = setTimeout(() => void this.#fetch(), this.#failures > 0 ? retryMs : this.#refreshMs);
    this.#timer.unref();
  }
}

/** Says what failed. A JSON error would quote the document, so it is told by its name only. */
function describe(error: unknown): string {
  if (error instanceof SyntaxError) return 'the answer is not JSON';
  return error instanceof Error ? error.message : 'unknown';
}
