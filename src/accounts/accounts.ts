import { createHash } from 'node:crypto';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { pagesOf } from '../lib/pages.ts';
import type { Notices } from '../state/notices.ts';
import type { Store, StoredRecord } from '../state/store.ts';
import { type AccountChange, checkChange } from './account-change.ts';
import { canonicalName } from './account-name.ts';
import { type AccountRecord, decodeAccount, encodeAccount } from './account-record.ts';
import type { HashParameters } from './argon2id.ts';
import type { HashPool } from './hash-pool.ts';
import { PasswordCheck } from './password-check.ts';
import { hashPassword, hashScheme, needsUpgrade, verifyPassword } from './password-hash.ts';

/** An account without its password hash. */
export interface AccountView {
  readonly name: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly createdAtSec: number;
  readonly updatedAtSec: number;
}

/** What the accounts stand on, and whom they tell when one of them ends. */
export interface AccountsOptions {
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hashing: { readonly pool: HashPool; readonly parameters: HashParameters };
  /** Ends every session of a name: called when its account is made, removed or gets another password. */
  readonly endSessions: (name: string) => Promise<unknown>;
  /** Removes what hangs on a name whose account is made or gone, so that nobody inherits it. */
  readonly forget?: (name: string) => Promise<unknown>;
}

interface Found {
  readonly record: AccountRecord;
  readonly version: number;
}

const INDEX = 'accounts';
const PAGE = 500;
const KEY = 'account:';

/**
 * Accounts on the state. Comes in: names in any spelling, passwords. Goes out: views, never a hash.
 *
 * Every call throws SP_STATE_UNREACHABLE while the state is away, and SP_STATE_CORRUPT for a garbage record.
 */
export class Accounts {
  readonly #options: AccountsOptions;
  readonly #check: PasswordCheck<AccountView>;

  constructor(options: AccountsOptions) {
    this.#options = options;
    this.#check = new PasswordCheck({
      ...options.hashing,
      clock: options.clock,
      schemes: () => this.#schemes(),
    });
  }

  /**
   * Makes an account or changes what is named of it. Another password ends its sessions; the same one does not.
   *
   * Security: who had the name before, by word of a provider or of the admin, was somebody else. A new account ends their
   * sessions, app passwords and second factors, so that nothing of one person works for the other.
   *
   * @throws SP_ADMIN_BAD_REQUEST that names every problem, also for a new account without a password
   */
  async put(rawName: string, order: AccountChange): Promise<AccountView> {
    const name = requireName(rawName);
    const change = checkChange(order);
    const known = await this.#find(name);
    const hash = await this.#hashFor(change, known?.record);
    // Before as well: what could not be ended must not be found beside the account.
    if (known === undefined) await this.#endFormer(name);
    const { before, after } = await this.#write(name, (current) => {
      const base = current ?? this.#blank(name);
      const next = { ...base, groups: change.groups ?? base.groups, email: change.email ?? base.email };
      if (hash === undefined && current === undefined) throw needsPassword();
      return { ...next, hash: hash ?? base.hash };
    });
    await this.#tellChange(before, after);
    return viewOf(after);
  }

  /** Gives the account of a name in any spelling. */
  async get(rawName: string): Promise<AccountView | undefined> {
    const name = canonicalName(rawName);
    const found = name === undefined ? undefined : await this.#find(name);
    return found && viewOf(found.record);
  }

  /**
   * Removes an account, tells every process and ends its sessions; also when it was gone already, so that a failed
   * call can be repeated.
   * @returns whether it existed
   */
  async remove(rawName: string): Promise<boolean> {
    const name = canonicalName(rawName);
    if (name === undefined) return false;
    const existed = await this.#options.store.records.delete(KEY + name);
    await this.#options.notices.publish({ kind: 'account-removed', name });
    await this.#options.endSessions(name);
    await this.#options.forget?.(name);
    return existed;
  }

  /** Lists the accounts by name; a garbage record is left out and logged. */
  async list(): Promise<readonly AccountView[]> {
    const views: AccountView[] = [];
    for await (const record of this.#records()) views.push(viewOf(record));
    return views;
  }

  /**
   * Gives the account whose password this is. An old or imported hash is replaced on the way.
   *
   * @throws SP_AUTHENTICATE_UNAVAILABLE when too many checks are waiting
   *
   * Security: an unknown name is looked up, waits and costs like a known one; failures are counted by the caller.
   */
  async verify(rawName: string, password: string): Promise<AccountView | undefined> {
    const name = canonicalName(rawName);
    return this.#check.once(name ?? rawName, password, async () => {
      const found = name === undefined ? undefined : await this.#find(name);
      const right = await this.#check.compare(name ?? rawName, password, found?.record.hash);
      if (found === undefined || !right) return undefined;
      await this.#upgrade(found, password);
      return viewOf(found.record);
    });
  }

  /**
   * Takes an account over from another place, once: what was imported before, and accounts made here, stay as they are.
   * @throws SP_ADMIN_BAD_REQUEST for a name or hash that is not accepted
   */
  async importHash(rawName: string, passwordHash: string): Promise<'added' | 'updated' | 'unchanged'> {
    const name = requireName(rawName);
    checkChange({ passwordHash });
    const imported = createHash('sha256').update(passwordHash).digest('base64url');
    const isNews = (current: AccountRecord | undefined) =>
      current === undefined || (current.imported !== undefined && current.imported !== imported);
    if (!isNews((await this.#find(name))?.record)) return 'unchanged';
    const { before, after } = await this.#write(name, (current) =>
      current !== undefined && !isNews(current)
        ? current
        : { ...(current ?? this.#blank(name)), hash: passwordHash, imported },
    );
    await this.#tellChange(before, after);
    return before === undefined ? 'added' : 'updated';
  }

  async #hashFor(change: AccountChange, known: AccountRecord | undefined): Promise<string | undefined> {
    const { pool, parameters } = this.#options.hashing;
    const { password, passwordHash } = change;
    if (password === undefined) {
      if (passwordHash === undefined && known === undefined) throw needsPassword();
      return passwordHash;
    }
    const same = known && (await pool.run(() => verifyPassword(known.hash, password)));
    if (same && !needsUpgrade(known.hash, password, parameters)) return known.hash;
    return pool.run(() => hashPassword(password, parameters));
  }

  async #upgrade({ record, version }: Found, password: string): Promise<void> {
    const { pool, parameters } = this.#options.hashing;
    if (!needsUpgrade(record.hash, password, parameters)) return;
    try {
      const hash = await pool.run(() => hashPassword(password, parameters));
      // With the version, a password that was set meanwhile stays.
      await this.#store(record.name, { ...record, hash }, version);
    } catch (error) {
      const { code, reason } = asGatewayError(error);
      this.#options.logger.warn(
        { code, reason },
        'a password hash could not be upgraded; the next sign-in tries again',
      );
    }
  }

  /** Writes what `build` makes of the present record, again from the new one when somebody else was faster. */
  async #write(
    name: string,
    build: (current: AccountRecord | undefined) => AccountRecord,
  ): Promise<{ readonly before: AccountRecord | undefined; readonly after: AccountRecord }> {
    for (;;) {
      const found = await this.#find(name);
      const after = { ...build(found?.record), updatedAtMs: this.#options.clock() };
      if (await this.#store(name, after, found?.version)) return { before: found?.record, after };
    }
  }

  #store(name: string, record: AccountRecord, version: number | undefined): Promise<number | undefined> {
    const condition = version === undefined ? { ifAbsent: true } : { ifVersion: version };
    return this.#options.store.records.put(KEY + name, encodeAccount(record), {
      ...condition,
      indexes: [INDEX],
    });
  }

  async #tellChange(before: AccountRecord | undefined, { name, hash }: AccountRecord): Promise<void> {
    await this.#options.notices.publish({ kind: 'account-changed', name });
    if (before === undefined) await this.#endFormer(name);
    if (before !== undefined && before.hash !== hash) await this.#options.endSessions(name);
  }

  async #endFormer(name: string): Promise<void> {
    await this.#options.endSessions(name);
    await this.#options.forget?.(name);
  }

  async #find(name: string): Promise<Found | undefined> {
    const stored = await this.#options.store.records.get(KEY + name);
    return stored && { record: decodeAccount(name, stored.value), version: stored.version };
  }

  async *#records(): AsyncGenerator<AccountRecord> {
    const { records } = this.#options.store;
    for await (const page of pagesOf((place) => records.list(INDEX, { limit: PAGE, ...place }))) {
      for (const stored of page) {
        const record = this.#decodeOrLog(stored);
        if (record !== undefined) yield record;
      }
    }
  }

  #decodeOrLog({ key, value }: StoredRecord): AccountRecord | undefined {
    try {
      return decodeAccount(key.slice(KEY.length), value);
    } catch (error) {
      const { code, detail } = asGatewayError(error);
      this.#options.logger.error({ code, detail }, 'an account record is left out');
      return undefined;
    }
  }

  async #schemes(): Promise<ReadonlyMap<string, number>> {
    const counts = new Map<string, number>();
    for await (const { hash } of this.#records()) {
      const scheme = hashScheme(hash) ?? '';
      counts.set(scheme, (counts.get(scheme) ?? 0) + 1);
    }
    return counts;
  }

  #blank(name: string): AccountRecord {
    const createdAtMs = this.#options.clock();
    const nothing = { groups: [], email: undefined, imported: undefined };
    return { name, hash: '', ...nothing, createdAtMs, updatedAtMs: createdAtMs };
  }
}

function viewOf({ name, groups, email, createdAtMs, updatedAtMs }: AccountRecord): AccountView {
  const createdAtSec = Math.floor(createdAtMs / 1000);
  return { name, groups, email, createdAtSec, updatedAtSec: Math.floor(updatedAtMs / 1000) };
}

function requireName(rawName: string): string {
  const name = canonicalName(rawName);
  if (name !== undefined) return name;
  const problem = 'name: 1 to 128 characters that can be seen, without :';
  throw new GatewayError('SP_ADMIN_BAD_REQUEST', { problems: [problem] });
}

function needsPassword(): GatewayError {
  return new GatewayError('SP_ADMIN_BAD_REQUEST', { problems: ['password: a new account needs one'] });
}
