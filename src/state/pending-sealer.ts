import { asGatewayError, GatewayError, isStateAway } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';

const RETRY_MS = 500;

/** A sealer whose key could not be compared with the state yet: it asks again until it is known whether it is the right one. */
export class PendingSealer implements Sealer {
  readonly #check: () => Promise<Sealer>;
  readonly #logger: Logger;
  readonly #atHand: Sealer | undefined;
  #checked: Sealer | undefined;
  #failure: GatewayError | undefined;

  /**
   * @param atHand - opens meanwhile
   * @param check - gives the right sealer; rejects with SP_STATE_UNREACHABLE or SP_STATE_FULL to be asked again
   */
  constructor(atHand: Sealer | undefined, check: () => Promise<Sealer>, logger: Logger) {
    this.#atHand = atHand;
    this.#check = check;
    this.#logger = logger;
    this.#later();
  }

  get keyId(): string {
    return (this.#checked ?? this.#atHand)?.keyId ?? 'unknown';
  }

  /** @throws SP_STATE_UNREACHABLE until the key is checked: another one might have sealed what is there */
  seal(plain: Uint8Array, context: string): Uint8Array {
    return this.#present(this.#checked).seal(plain, context);
  }

  /** @throws SP_STATE_UNREACHABLE while there is no key */
  open(sealed: Uint8Array, context: string): Uint8Array {
    return this.#present(this.#checked ?? this.#atHand).open(sealed, context);
  }

  #present(sealer: Sealer | undefined): Sealer {
    if (this.#failure !== undefined) throw this.#failure;
    if (sealer !== undefined) return sealer;
    throw new GatewayError('SP_STATE_UNREACHABLE', {
      detail: 'the state has not confirmed the state key yet',
      reason: 'key-unchecked',
    });
  }

  #later(): void {
    setTimeout(() => void this.#try(), RETRY_MS).unref();
  }

  async #try(): Promise<void> {
    try {
      this.#checked = await this.#check();
      this.#logger.info({}, 'the state key is the one of the state');
    } catch (thrown) {
      const failure = asGatewayError(thrown);
      if (failure.reason === 'closed') return;
      if (isStateAway(failure)) return this.#later();
      this.#failure = failure;
      const { code, detail, reason } = failure;
      this.#logger.error({ code, detail, reason }, 'the state key is not the one of the state');
    }
  }
}
