import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import type { Store } from '../state/store.ts';
import { checkName } from './check-name.ts';
import { CodeFactors, totpView } from './code-factors.ts';
import { FactorShelf } from './factor-shelf.ts';
import type { SecondFactorList } from './factors.ts';
import type { FactorFailures } from './guard.ts';
import { Passkeys, passkeyView, pointerKey } from './passkeys.ts';

export interface SecondFactorsOptions {
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Counts the failures of second factors, and of nothing else. */
  readonly failures: FactorFailures;
  /** Name of the gateway that apps and browsers show. */
  readonly issuer: string;
}

/**
 * What people prove themselves with beside the password. Comes in: users, codes, what browsers answered. Goes out: verdicts.
 *
 * Every call throws SP_STATE_UNREACHABLE while the state is away, and SP_STATE_CORRUPT for a garbage record.
 */
export class SecondFactors {
  /** Authenticator apps and recovery codes. */
  readonly codes: CodeFactors;
  readonly passkeys: Passkeys;
  readonly #shelf: FactorShelf;
  readonly #store: Store;

  constructor({ store, sealer, ...shared }: SecondFactorsOptions) {
    this.#store = store;
    this.#shelf = new FactorShelf(store.records, sealer);
    this.codes = new CodeFactors({ ...shared, shelf: this.#shelf });
    this.passkeys = new Passkeys({ ...shared, shelf: this.#shelf, records: store.records });
  }

  /** Lists what a user has. */
  async list(user: string): Promise<SecondFactorList> {
    const record = await this.#shelf.read(user);
    return {
      totp: record?.totp.map(totpView) ?? [],
      passkeys: record?.passkeys.map(passkeyView) ?? [],
      recoveryCodesLeft: record?.recovery.length ?? 0,
    };
  }

  /** Gives another name to an app or a passkey. @returns whether it exists; @throws SP_ADMIN_BAD_REQUEST */
  async rename(user: string, id: string, rawName: string): Promise<boolean> {
    const name = checkName(rawName);
    const named = await this.#shelf.change(user, (record) => {
      if (![...record.totp, ...record.passkeys].some((factor) => factor.id === id)) return undefined;
      const totp = record.totp.map((one) => (one.id === id ? { ...one, name } : one));
      const passkeys = record.passkeys.map((one) => (one.id === id ? { ...one, name } : one));
      return { next: { ...record, totp, passkeys }, result: true };
    });
    return named === true;
  }

  /** Removes an app or a passkey; with the last one the recovery codes go as well. @returns whether it existed */
  async remove(user: string, id: string): Promise<boolean> {
    const removed = await this.#shelf.change(user, (record) => {
      const totp = record.totp.filter((one) => one.id !== id);
      const passkeys = record.passkeys.filter((one) => one.id !== id);
      const left = totp.length + passkeys.length;
      if (left === record.totp.length + record.passkeys.length) return undefined;
      const recovery = left === 0 ? [] : record.recovery;
      return { next: { ...record, totp, passkeys, recovery }, result: true };
    });
    if (removed === true) await this.#store.records.delete(pointerKey(id));
    return removed === true;
  }

  /** Removes everything of a user, who may then add new ones with the password alone. @returns whether there was anything */
  async reset(user: string): Promise<boolean> {
    const record = await this.#shelf.read(user);
    const ids = record?.passkeys.map(({ id }) => id) ?? [];
    await Promise.all(ids.map((id) => this.#store.records.delete(pointerKey(id))));
    return this.#shelf.remove(user);
  }
}
