import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { asGatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { pagesOf } from '../lib/pages.ts';
import type { Notices } from '../state/notices.ts';
import type { Store, StoredRecord } from '../state/store.ts';
import type { ApiKey, ApiKeyView, KeyOwner, NewApiKey } from './api-key.ts';
import { checkOrder } from './check-order.ts';
import { decodeKey, encodeKey, type KeyRecord, keyOf } from './key-record.ts';
import { hashOfKey, isKey, newKey } from './key-text.ts';
import { LastUses, type Use } from './last-uses.ts';

export type { ApiKey, ApiKeyView, KeyOwner, NewApiKey } from './api-key.ts';

export interface ApiKeysOptions {
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Longest life, milliseconds; 0: one may live for ever. */
  readonly maxLifeMs: number;
  /** Longest time since an owner without an account last signed in, milliseconds; 0: not asked. */
  readonly confirmMs: number;
  /** Ends what was got for an app password; called when it ends. */
  readonly endSessions: (id: string) => Promise<void>;
  /** Gives what an account says now, `undefined` when there is none. */
  readonly accountOf: (
    name: string,
  ) => Promise<{ readonly groups: readonly string[]; readonly email: string | undefined } | undefined>;
}

type Ages = Pick<ApiKeysOptions, 'maxLifeMs' | 'confirmMs'>;

const INDEX = 'api-keys';
const PAGE = 500;
const ID = /^[A-Za-z0-9_-]{22}$/;
/** A use is written only when the stored one is older than this. */
const USE_GAP_MS = 60_000;

/**
 * App passwords on the state. Comes in: owners, bounds, keys as they were sent. Goes out: live app passwords.
 *
 * Groups and email of one that an account vouches for are those of the account at the read; without its account it is
 * dead. Every call but `used` throws SP_STATE_UNREACHABLE while the state is away, SP_STATE_CORRUPT for a garbage record.
 */
export class ApiKeys {
  readonly #options: ApiKeysOptions;
  readonly #uses: LastUses;
  #ages: Ages;

  constructor(options: ApiKeysOptions) {
    this.#options = options;
    this.#ages = options;
    this.#uses = new LastUses((id, use) => this.#writeUse(id, use));
  }

  /** Takes other ages; they count for those that there are, too. */
  configure(ages: Ages): void {
    this.#ages = ages;
  }

  /**
   * Makes an app password.
   *
   * @returns `key`, which is shown once, and what lists show
   * @throws SP_ADMIN_BAD_REQUEST that names every problem
   */
  async create(order: NewApiKey): Promise<{ readonly key: string; readonly view: ApiKeyView }> {
    const { name, bounds, lifeMs } = checkOrder(order, this.#ages.maxLifeMs);
    const key = newKey();
    const createdAtMs = this.#options.clock();
    const { user: owner, account, groups, email } = order.owner;
    const record: KeyRecord = {
      id: randomBytes(16).toString('base64url'),
      keyHash: hashOfKey(key),
      name,
      owner,
      account,
      groups,
      email,
      ...bounds,
      createdAtMs,
      confirmedAtMs: createdAtMs,
      expiresAtMs: lifeMs === undefined ? undefined : createdAtMs + lifeMs,
      lastUsedMs: undefined,
      lastAddress: undefined,
    };
    const { records } = this.#options.store;
    await records.put(pointerKey(record.keyHash), Buffer.from(record.id), ttlOf(lifeMs));
    await records.put(recordKey(record.id), encodeKey(record), {
      ...ttlOf(lifeMs),
      indexes: indexesOf(owner),
    });
    return { key, view: viewOf(keyOf(record)) };
  }

  /** Gives the live app password that this is; `undefined` for any other text. */
  async byKey(key: string): Promise<ApiKey | undefined> {
    if (!isKey(key)) return undefined;
    const hash = hashOfKey(key);
    const pointer = await this.#options.store.records.get(pointerKey(hash));
    if (pointer === undefined) return undefined;
    const record = await this.#read(Buffer.from(pointer.value).toString('latin1'));
    return record === undefined || !sameText(record.keyHash, hash) ? undefined : this.#present(record);
  }

  /** Gives the live app password of a public id. */
  async byId(id: string): Promise<ApiKey | undefined> {
    const record = await this.#read(id);
    return record && this.#present(record);
  }

  /** Lists the live app passwords, of everybody or of one owner; a garbage record is left out and logged. */
  async list(owner?: string): Promise<readonly ApiKeyView[]> {
    const views: ApiKeyView[] = [];
    for await (const page of this.#pages(owner)) {
      for (const stored of page) {
        const record = this.#decodeOrLog(stored);
        if (record !== undefined && this.#isLive(record)) views.push(viewOf(keyOf(record)));
      }
    }
    return views;
  }

  /**
   * Ends an app password and tells every process, also when it was gone already, so that a failed call can be repeated.
   *
   * @param owner - when named, only one of this owner is ended
   * @returns whether it existed
   */
  async revoke(id: string, owner?: string): Promise<boolean> {
    if (!ID.test(id)) return false;
    const stored = await this.#options.store.records.get(recordKey(id));
    const record = stored && this.#decodeOrLog(stored);
    if (owner !== undefined && record?.owner !== owner) return false;
    const existed = await this.#options.store.records.delete(recordKey(id));
    await this.#options.notices.publish({ kind: 'api-key-ended', id, user: record?.owner ?? '' });
    await this.#options.endSessions(id);
    return existed;
  }

  /** Ends every app password of an owner. @returns how many there were */
  async revokeAll(owner: string): Promise<number> {
    const ids: string[] = [];
    for await (const page of this.#pages(owner)) ids.push(...page.map(idOf));
    const ended = await Promise.all(ids.map((id) => this.revoke(id)));
    return ended.filter(Boolean).length;
  }

  /**
   * Takes over what a provider says now of an owner without an account, who just signed in, and that they did.
   *
   * Security: an app password keeps the groups of its making otherwise, for nobody else could say that one was lost.
   */
  async refreshOwner(owner: KeyOwner): Promise<void> {
    for await (const page of this.#pages(owner.user)) {
      for (const stored of page) {
        const record = this.#decodeOrLog(stored);
        if (record === undefined || record.account !== undefined) continue;
        const { groups, email } = owner;
        const confirmed = { ...record, groups, email, confirmedAtMs: this.#options.clock() };
        await this.#write(confirmed, stored.version);
        if (record.email === email && sameList(record.groups, groups)) continue;
        // What is cached of it says what was so before.
        await this.#options.notices.publish({ kind: 'api-key-ended', id: record.id, user: owner.user });
      }
    }
  }

  /** Notes that an app password was used; no I/O: written seconds later, and lost rather than waited for. */
  used(id: string, address: string): void {
    this.#uses.add(id, { atMs: this.#options.clock(), address });
  }

  /** Writes the uses noted last; safe to call twice. */
  close(): Promise<void> {
    return this.#uses.close();
  }

  #pages(owner: string | undefined): AsyncGenerator<readonly StoredRecord[]> {
    const index = owner === undefined ? INDEX : ownerIndex(owner);
    return pagesOf((place) => this.#options.store.records.list(index, { limit: PAGE, ...place }));
  }

  async #read(id: string): Promise<KeyRecord | undefined> {
    if (!ID.test(id)) return undefined;
    const stored = await this.#options.store.records.get(recordKey(id));
    if (stored === undefined) return undefined;
    const record = decodeKey(id, stored.value);
    return this.#isLive(record) ? record : undefined;
  }

  /** Gives it as its account has it now; `undefined` when the account is gone. */
  async #present(record: KeyRecord): Promise<ApiKey | undefined> {
    const found = keyOf(record);
    if (record.account === undefined) return found;
    const account = await this.#options.accountOf(record.account);
    return account && { ...found, groups: account.groups, email: account.email };
  }

  #isLive({ account, createdAtMs, confirmedAtMs, expiresAtMs }: KeyRecord): boolean {
    const { maxLifeMs, confirmMs } = this.#ages;
    const ends = [expiresAtMs ?? Number.POSITIVE_INFINITY];
    if (maxLifeMs > 0) ends.push(createdAtMs + maxLifeMs);
    if (account === undefined && confirmMs > 0) ends.push(confirmedAtMs + confirmMs);
    return this.#options.clock() < Math.min(...ends);
  }

  #decodeOrLog(stored: StoredRecord): KeyRecord | undefined {
    try {
      return decodeKey(idOf(stored), stored.value);
    } catch (error) {
      const { code, detail } = asGatewayError(error);
      this.#options.logger.error({ code, detail }, 'the record of an app password is left out');
      return undefined;
    }
  }

  async #writeUse(id: string, { atMs, address }: Use): Promise<void> {
    const stored = await this.#options.store.records.get(recordKey(id));
    const record = stored && this.#decodeOrLog(stored);
    if (stored === undefined || record === undefined || !this.#isLive(record)) return;
    const isFresh = record.lastUsedMs !== undefined && atMs - record.lastUsedMs < USE_GAP_MS;
    if (isFresh && record.lastAddress === address) return;
    await this.#write({ ...record, lastUsedMs: atMs, lastAddress: address }, stored.version);
  }

  /** With the version, one that was revoked meanwhile stays so. */
  async #write(record: KeyRecord, ifVersion: number): Promise<void> {
    const restMs =
      record.expiresAtMs === undefined ? undefined : Math.max(1, record.expiresAtMs - this.#options.clock());
    const options = { ...ttlOf(restMs), ifVersion, indexes: indexesOf(record.owner) };
    await this.#options.store.records.put(recordKey(record.id), encodeKey(record), options);
  }
}

function viewOf({ groups: _, email: __, account: ___, ...view }: ApiKey): ApiKeyView {
  return view;
}

function ttlOf(lifeMs: number | undefined): { readonly ttlMs?: number } {
  return lifeMs === undefined ? {} : { ttlMs: lifeMs };
}

function indexesOf(owner: string): readonly string[] {
  return [INDEX, ownerIndex(owner)];
}

function ownerIndex(owner: string): string {
  return `api-keys-of:${createHash('sha256').update(owner).digest('base64url')}`;
}

function recordKey(id: string): string {
  return `api-key:${id}`;
}

function pointerKey(hash: string): string {
  return `api-key-hash:${hash}`;
}

function idOf(stored: StoredRecord): string {
  return stored.key.slice(recordKey('').length);
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((item, at) => item === b[at]);
}
