import { makeSealer, SealError, type Sealer } from '../lib/seal.ts';

/** How long what was read of the keys counts. */
const FRESH_MS = 1000;

/**
 * A sealer with several keys: the first one seals, every one opens. While a state is moved to another key, both are at hand.
 *
 * Keys that lie in a file are looked at anew, so that processes that run learn of a new key within a second.
 */
export class KeyRing implements Sealer {
  readonly #read: (() => readonly Uint8Array[] | undefined) | undefined;
  #sealers: readonly [Sealer, ...Sealer[]];
  #readMs = performance.now();

  /**
   * @param keys - 32 bytes each, at least one
   * @param read - gives the present keys, `undefined` when they cannot be read at the moment
   */
  constructor(
    [first, ...others]: readonly [Uint8Array, ...Uint8Array[]],
    read?: () => readonly Uint8Array[] | undefined,
  ) {
    this.#sealers = [makeSealer(first), ...others.map(makeSealer)];
    this.#read = read;
  }

  get keyId(): string {
    this.#refresh(FRESH_MS);
    return this.#sealers[0].keyId;
  }

  seal(plain: Uint8Array, context: string): Uint8Array {
    this.#refresh(FRESH_MS);
    return this.#sealers[0].seal(plain, context);
  }

  /** @throws SealError */
  open(sealed: Uint8Array, context: string): Uint8Array {
    const plain = this.#tryAll(sealed, context);
    if (plain !== undefined) return plain;
    this.#refresh(0);
    const later = this.#tryAll(sealed, context);
    if (later === undefined) throw new SealError('wrong-key');
    return later;
  }

  #tryAll(sealed: Uint8Array, context: string): Uint8Array | undefined {
    for (const sealer of this.#sealers) {
      try {
        return sealer.open(sealed, context);
      } catch (error) {
        if (!(error instanceof SealError) || error.reason !== 'wrong-key') throw error;
      }
    }
    return undefined;
  }

  #refresh(freshMs: number): void {
    if (this.#read === undefined || performance.now() - this.#readMs < freshMs) return;
    this.#readMs = performance.now();
    const [first, ...others] = this.#read() ?? [];
    if (first !== undefined) this.#sealers = [makeSealer(first), ...others.map(makeSealer)];
  }
}
