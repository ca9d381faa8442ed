import { createHash, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { SEALED_INDEX, type Sealer } from '../lib/seal.ts';
import type { Records } from '../state/store.ts';
import { decodeFactors, encodeFactors, type FactorRecord } from './factor-record.ts';
import type { FactorUser } from './factors.ts';

/** What a change makes of a record; `undefined` leaves it as it is. */
export type FactorChange<T> = (
  record: FactorRecord,
) => { readonly next: FactorRecord; readonly result: T } | undefined;

/**
 * The records of factors, one sealed record per user.
 *
 * Security: sealed whole and for its place: neither secrets nor who has which factor can be read from the state, and a
 * record cannot be moved to another user.
 */
export class FactorShelf {
  readonly #records: Records;
  readonly #sealer: Sealer;

  constructor(records: Records, sealer: Sealer) {
    this.#records = records;
    this.#sealer = sealer;
  }

  /** Gives what a user has; `undefined` when that was never anything. */
  async read(user: string): Promise<FactorRecord | undefined> {
    return (await this.#find(user))?.record;
  }

  /**
   * Writes what `change` makes of the present record, again from the new one when somebody else was faster.
   *
   * @param owner - with an account, a record is made where there is none; a text only finds one
   * @returns its result, `undefined` when nothing was written
   */
  async change<T>(owner: FactorUser | string, change: FactorChange<T>): Promise<T | undefined> {
    const user = typeof owner === 'string' ? owner : owner.user;
    for (;;) {
      const found = await this.#find(user);
      const base = found?.record ?? (typeof owner === 'string' ? undefined : blank(owner));
      if (typeof owner !== 'string' && base?.account !== owner.account) throw foreign();
      const changed = base && change(base);
      if (changed === undefined) return undefined;
      const value = this.#sealer.seal(encodeFactors(changed.next), keyOf(user));
      const condition = found === undefined ? { ifAbsent: true } : { ifVersion: found.version };
      if (
        (await this.#records.put(keyOf(user), value, { ...condition, indexes: [SEALED_INDEX] })) !== undefined
      )
        return changed.result;
    }
  }

  /** Removes everything of a user. @returns whether there was anything */
  async remove(user: string): Promise<boolean> {
    return this.#records.delete(keyOf(user));
  }

  async #find(
    user: string,
  ): Promise<{ readonly record: FactorRecord; readonly version: number } | undefined> {
    const stored = await this.#records.get(keyOf(user));
    if (stored === undefined) return undefined;
    const plain = this.#sealer.open(stored.value, keyOf(user));
    return { record: decodeFactors(user, plain), version: stored.version };
  }
}

/** A provider may give somebody the name of an account: they must not add what the account's owner could be signed in with. */
function foreign(): GatewayError {
  const problems = ['somebody else of the same name has second factors here'];
  return new GatewayError('SP_ADMIN_BAD_REQUEST', { problems, reason: 'name-of-another' });
}

function blank({ user, account }: FactorUser): FactorRecord {
  const handle = randomBytes(32).toString('base64url');
  return { user, account, handle, totp: [], pending: [], passkeys: [], recovery: [] };
}

function keyOf(user: string): string {
  return `second-factors:${createHash('sha256').update(user).digest('base64url')}`;
}
