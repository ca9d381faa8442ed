import { GatewayError } from '../errors.ts';
import { JsonFields } from '../lib/json-fields.ts';
import { SEALED_INDEX, type Sealer } from '../lib/seal.ts';
import type { Records } from '../state/store.ts';
import type { SessionTokens } from './session.ts';
import { tokensKey } from './session-keys.ts';

/**
 * The tokens of providers, one sealed record per session, apart from the session's own, which is read far more often.
 *
 * Security: sealed for the session that they belong to; moved to another one they cannot be opened.
 */
export class TokenVault {
  readonly #records: Records;
  readonly #sealer: Sealer | undefined;

  constructor(records: Records, sealer: Sealer | undefined) {
    this.#records = records;
    this.#sealer = sealer;
  }

  async put(id: string, tokens: SessionTokens, ttlMs: number): Promise<void> {
    const plain = Buffer.from(JSON.stringify(tokens));
    await this.#records.put(tokensKey(id), this.#open().seal(plain, tokensKey(id)), {
      ttlMs,
      indexes: [SEALED_INDEX],
    });
  }

  async get(id: string): Promise<SessionTokens | undefined> {
    const stored = await this.#records.get(tokensKey(id));
    if (stored === undefined) return undefined;
    const fail = (why: string) =>
      new GatewayError('SP_STATE_CORRUPT', {
        detail: `tokens of session ${id}: ${why}`,
        reason: 'garbage-record',
      });
    const fields = new JsonFields(this.#open().open(stored.value, tokensKey(id)), fail);
    return {
      idToken: fields.optionalText('idToken'),
      refreshToken: fields.optionalText('refreshToken'),
      expiresAtSec: fields.optionalCount('expiresAtSec'),
    };
  }

  async delete(id: string): Promise<void> {
    if (this.#sealer !== undefined) await this.#records.delete(tokensKey(id));
  }

  #open(): Sealer {
    if (this.#sealer !== undefined) return this.#sealer;
    throw new GatewayError('SP_INTERNAL', { detail: 'tokens of a provider cannot be kept without a sealer' });
  }
}
