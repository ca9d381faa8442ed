import type { webcrypto } from 'node:crypto';
import { GatewayError, isStateAway } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { SEALED_INDEX, type Sealer } from '../lib/seal.ts';
import type { Records } from '../state/store.ts';
import type { IssuerKeys } from './issuer-keys.ts';
import type { ReasonWord } from './method.ts';
import { makeSigningKey, packSigningKeys, type SigningKey, unpackSigningKeys } from './signing-key.ts';
import type { TokenHeader } from './token-shape.ts';

export interface OwnKeysOptions {
  readonly records: Records;
  /** Its `open` throws SP_STATE_KEY or SP_STATE_CORRUPT. */
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Time between two attempts while no key is loaded, milliseconds. Default 2 s. */
  readonly retryMs?: number;
  /** Least time between two reads on behalf of tokens that name an unknown key, milliseconds. Default 5 s. */
  readonly coolDownMs?: number;
}

const RECORD = 'own-keys';
const DAY_MS = 86_400_000;
/** A key signs for so long before the next one is made. */
const ROTATE_AFTER_MS = 30 * DAY_MS;
/** A new key is published so long before it signs: longer than every process takes to read it. */
const ANNOUNCE_MS = 600_000;
/** The present key, the one before and the next one. */
const KEPT_KEYS = 3;
const REFRESH_MS = 60_000;
const RETRY_MS = 2_000;
const COOL_DOWN_MS = 5_000;

/**
 * The gateway's own signature keys, one set for all processes on the same state, sealed there.
 *
 * A key signs for 30 days and is accepted and published for 30 more. When the state is away at the start, the keys are
 * loaded by themselves as soon as it answers.
 */
export class OwnKeys implements IssuerKeys {
  readonly #options: OwnKeysOptions;
  /** Oldest first. */
  #keys: readonly SigningKey[] = [];
  #reading: Promise<void> | undefined;
  #lastReadMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  private constructor(options: OwnKeysOptions) {
    this.#options = options;
  }

  /**
   * Loads the keys, or makes the first one. An unreachable or full state is no failure: it is asked again in the background.
   * @throws SP_STATE_KEY or SP_STATE_CORRUPT when the stored keys cannot be opened
   */
  static async load(options: OwnKeysOptions): Promise<OwnKeys> {
    const keys = new OwnKeys(options);
    try {
      await keys.#read();
    } catch (error) {
      if (!isStateAway(error)) throw error;
      options.logger.warn({ code: error.code }, 'the own signature keys cannot be loaded yet');
    }
    keys.#schedule();
    return keys;
  }

  /** Gives the key to sign with, or `undefined` while none is loaded. */
  signingKey(): SigningKey | undefined {
    const nowMs = this.#options.clock();
    return this.#keys.findLast((key) => key.usableFromMs <= nowMs) ?? this.#keys[0];
  }

  /** Gives the public keys as a JWK set (RFC 7517 §5); empty while none is loaded. */
  jwks(): { readonly keys: readonly webcrypto.JsonWebKey[] } {
    return { keys: this.#keys.map((key) => key.jwk) };
  }

  candidates({ kid }: TokenHeader): readonly CryptoKey[] | Promise<readonly CryptoKey[]> {
    const found = this.#named(kid);
    return found.length > 0 ? found : this.#afterRead(kid);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #named(kid: string | undefined): CryptoKey[] {
    return this.#keys.filter((key) => key.kid === kid).map((key) => key.verifier);
  }

  async #afterRead(kid: string | undefined): Promise<readonly CryptoKey[]> {
    const { coolDownMs = COOL_DOWN_MS } = this.#options;
    if (performance.now() - this.#lastReadMs >= coolDownMs) await this.#readQuietly();
    if (this.#keys.length > 0) return this.#named(kid);
    const reason: ReasonWord = 'keys-unavailable';
    throw new GatewayError('SP_AUTHENTICATE_UNAVAILABLE', {
      reason,
      detail: 'the own keys are not loaded yet',
    });
  }

  async #readQuietly(): Promise<void> {
    try {
      await this.#read();
    } catch (error) {
      const code = error instanceof GatewayError ? error.code : 'SP_INTERNAL';
      this.#options.logger.warn({ code }, 'the own signature keys could not be read');
    }
  }

  /** Joins the reading under way, or starts one. */
  #read(): Promise<void> {
    this.#reading ??= this.#readOnce().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readOnce(): Promise<void> {
    const { records, sealer, clock } = this.#options;
    this.#lastReadMs = performance.now();
    // The second round reads what another process wrote while this one made a key.
    for (let round = 0; round < 3; round++) {
      const record = await records.get(RECORD);
      const keys = record === undefined ? [] : unpack(sealer.open(record.value, RECORD));
      const newest = keys.at(-1);
      const nowMs = clock();
      // Also when the next key is due: a state that takes no new one must not take away those that there are.
      if (newest !== undefined) this.#keys = keys;
      if (newest !== undefined && nowMs - newest.createdAtMs < ROTATE_AFTER_MS) return;
      const next = makeSigningKey(nowMs, newest === undefined ? nowMs : nowMs + ANNOUNCE_MS);
      const sealed = sealer.seal(packSigningKeys([...keys, next].slice(-KEPT_KEYS)), RECORD);
      const condition = record === undefined ? { ifAbsent: true } : { ifVersion: record.version };
      await records.put(RECORD, sealed, { ...condition, indexes: [SEALED_INDEX] });
    }
  }

  #schedule(): void {
    if (this.#closed) return;
    const { retryMs = RETRY_MS } = this.#options;
    const delayMs = this.#keys.length === 0 ? retryMs : REFRESH_MS;
    this.#timer = setTimeout(() => void this.#readQuietly().then(() => this.#schedule()), delayMs).unref();
  }
}

function unpack(bytes: Uint8Array): SigningKey[] {
  try {
    return unpackSigningKeys(bytes);
  } catch (error) {
    throw new GatewayError('SP_STATE_CORRUPT', {
      detail: 'the own signature keys cannot be read',
      cause: error,
    });
  }
}
