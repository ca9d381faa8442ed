import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { asGatewayError } from '../errors.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Notices } from '../state/notices.ts';
import type { Store, StoredRecord } from '../state/store.ts';
import { Endings } from './endings.ts';
import { type NamedByProvider, namedByProvider } from './named-by-provider.ts';
import type {
  AccountFacts,
  NewSession,
  Session,
  SessionProof,
  SessionRenewal,
  SessionSecret,
  SessionTokens,
  SessionView,
} from './session.ts';
import {
  ALL_SESSIONS,
  hashOf,
  indexesOf,
  isToken,
  parentIndex,
  sameText,
  secretKey,
  sessionKey,
  userIndex,
} from './session-keys.ts';
import { sessionIdOf, sessionPages } from './session-pages.ts';
import {
  decodeSession,
  encodeSession,
  newRecord,
  type SessionRecord,
  sessionOf,
  viewOf,
} from './session-record.ts';
import type { Ages, SessionsOptions } from './sessions-options.ts';
import { TokenVault } from './token-vault.ts';
import { Touches } from './touches.ts';

export type { AccountFacts, NewSession, Session, SessionSecret, SessionView };

const ID_BYTES = 16;
const SECRET_BYTES = 32;
/** A use is written only when the stored one is older than this, and than a tenth of the idle age. */
const MAX_TOUCH_GAP_MS = 60_000;
const MAX_NOTED = 50_000;

/**
 * Sessions on the state. Comes in: who signed in, ids, secrets. Goes out: live sessions.
 *
 * Ages are decided at the read, by the clock and the present configuration; the store's own expiry only clears up.
 * Groups and email of a session that an account vouches for are those of the account at the read, not those at the
 * sign-in: a change counts at once and nobody has to sign in again. Without its account such a session is over.
 * Every call but `touch` throws SP_STATE_UNREACHABLE while the state is away, and SP_STATE_CORRUPT for a garbage record.
 */
export class Sessions {
  /** What was ended of whom lately, for sign-ins that have made no session yet. */
  readonly endings: Endings;
  readonly #store: Store;
  readonly #notices: Notices;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #accountOf: SessionsOptions['accountOf'];
  readonly #touches: Touches;
  readonly #noted = new BoundedMap<string, number>(MAX_NOTED);
  readonly #tokens: TokenVault;
  #config: Ages;

  constructor({ store, notices, clock, logger, config, sealer, accountOf }: SessionsOptions) {
    this.#store = store;
    this.#notices = notices;
    this.#clock = clock;
    this.#logger = logger;
    this.#config = config;
    this.#accountOf = accountOf;
    this.#tokens = new TokenVault(store.records, sealer);
    this.endings = new Endings(store.records);
    this.#touches = new Touches((id, seenMs) => this.#writeSeen(id, seenMs));
  }

  /** Longest silence after which a session ends, milliseconds. */
  get idleMs(): number {
    return this.#config.idleMs;
  }

  /** Takes other ages; they count for the sessions that there are, too, which never live longer than they were made for. */
  configure(config: Ages): void {
    this.#config = config;
  }

  /**
   * Makes a session.
   *
   * Security: the secret is given out here only; the state keeps its SHA-256, which needs no salt for it is random.
   */
  async create(order: NewSession): Promise<SessionSecret> {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const nowMs = this.#clock();
    const ttlMs = Math.min(this.#config.absoluteMs, order.maxAgeMs ?? Number.POSITIVE_INFINITY);
    const record = newRecord(order, { id, secretHash: hashOf(secret), nowMs, ttlMs });
    if (order.tokens !== undefined) await this.#tokens.put(id, order.tokens, ttlMs);
    // The way from secret to session comes first: alone it leads nowhere and expires by itself.
    await this.#store.records.put(secretKey(record.secretHash), Buffer.from(id), { ttlMs });
    await this.#store.records.put(sessionKey(id), encodeSession(record), {
      ttlMs,
      indexes: indexesOf(record),
    });
    return { id, secret, expiresAtSec: Math.floor(record.expiresAtMs / 1000) };
  }

  /** Gives the live session of a public id. */
  async live(id: string): Promise<Session | undefined> {
    const record = await this.#read(id);
    return record && this.#present(record);
  }

  /** Gives the live session whose secret this is. */
  async bySecret(secret: string): Promise<Session | undefined> {
    if (!isToken(secret, SECRET_BYTES)) return undefined;
    const hash = hashOf(secret);
    const pointer = await this.#store.records.get(secretKey(hash));
    if (pointer === undefined) return undefined;
    const record = await this.#read(Buffer.from(pointer.value).toString('latin1'));
    if (record === undefined || !sameText(record.secretHash, hash)) return undefined;
    return this.#present(record);
  }

  /**
   * Notes that the holder of a session proved anew who they are, and gives it another secret; the public id stays.
   *
   * @param proof - what is named replaces what was known
   * @returns `undefined` when the session is over
   *
   * Security: call it only for who just showed the present secret. The former one ends at once, in every process, so
   * that a secret which somebody planted or saw before the proof is worth nothing after it.
   */
  async elevate(id: string, proof: Partial<SessionProof>): Promise<SessionSecret | undefined> {
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const secretHash = hashOf(secret);
    const before = await this.#change(id, async (record) => {
      const ttlMs = this.#restMs(record);
      await this.#store.records.put(secretKey(secretHash), Buffer.from(id), { ttlMs });
      return { ...record, ...proof, secretHash };
    });
    if (before === undefined) return undefined;
    await this.#store.records.delete(secretKey(before.secretHash));
    await this.#notices.publish({ kind: 'session-changed', id, user: before.user });
    return { id, secret, expiresAtSec: Math.floor(before.expiresAtMs / 1000) };
  }

  /**
   * Takes over what a provider says anew; where that changes who somebody is, every process forgets what it knew.
   * @returns whether the session lives
   */
  async renew(id: string, { tokens, ...said }: SessionRenewal): Promise<boolean> {
    const before = await this.#change(id, async (record) => ({ ...record, ...said }));
    if (before === undefined) return false;
    if (tokens !== undefined) await this.#tokens.put(id, tokens, this.#restMs(before));
    if (isDeepStrictEqual({ ...before, ...said }, before)) return true;
    await this.#notices.publish({ kind: 'session-changed', id, user: before.user });
    return true;
  }

  /** Gives the provider's tokens of a session; `undefined` without any. */
  tokens(id: string): Promise<SessionTokens | undefined> {
    return isToken(id, ID_BYTES) ? this.#tokens.get(id) : Promise.resolve(undefined);
  }

  /** Lists the live sessions, of everybody or of one user; a garbage record is left out and logged. */
  async list(user?: string): Promise<readonly SessionView[]> {
    const views: Session[] = [];
    for await (const page of sessionPages(
      this.#store.records,
      user === undefined ? ALL_SESSIONS : userIndex(user),
    )) {
      const records = page.map((stored) => this.#liveOf(stored)).filter((record) => record !== undefined);
      for (const record of records) {
        const session = await this.#present(record);
        if (session !== undefined) views.push(session);
      }
    }
    return views.map(viewOf);
  }

  /**
   * Ends a session and tells every process, also when it was gone already, so that a failed call can be repeated.
   * @returns whether it existed
   */
  async revoke(id: string): Promise<boolean> {
    if (!isToken(id, ID_BYTES)) return false;
    const stored = await this.#store.records.get(sessionKey(id));
    const existed = await this.#store.records.delete(sessionKey(id));
    await this.#tokens.delete(id);
    const user = (stored && this.#liveOf(stored)?.user) ?? '';
    await this.#notices.publish({ kind: 'session-ended', id, user });
    await this.endByParent(`session:${id}`);
    return existed;
  }

  /**
   * Ends every session that a user has now, garbage records included, and tells every process.
   * @returns how many live ones ended
   */
  async revokeAll(user: string): Promise<number> {
    await this.endings.interrupt(user);
    let ended = 0;
    for await (const page of sessionPages(this.#store.records, userIndex(user))) {
      const ends = page.map(async (stored) => {
        const wasLive = this.#liveOf(stored) !== undefined;
        await this.#tokens.delete(sessionIdOf(stored));
        return (await this.#store.records.delete(stored.key)) && wasLive;
      });
      ended += (await Promise.all(ends)).filter(Boolean).length;
    }
    await this.#notices.publish({ kind: 'sessions-ended', user });
    return ended;
  }

  /**
   * Ends the sessions that a provider names, as `namedByProvider` has it.
   * @returns the public ids of those that ended
   */
  async endByProvider(provider: string, by: NamedByProvider): Promise<readonly string[]> {
    const ended: string[] = [];
    for (const { index, mark, isMeant } of namedByProvider(provider, by)) {
      await this.endings.add(mark);
      ended.push(...(await this.#endAll(index, isMeant)));
    }
    return ended;
  }

  /** Ends every session that was got for another credential, `session:ID` or `api-key:ID`. */
  async endByParent(parent: string): Promise<void> {
    await this.#endAll(parentIndex(parent));
  }

  async #endAll(index: string, isMeant = (_?: SessionRecord) => true): Promise<readonly string[]> {
    const ids: string[] = [];
    for await (const page of sessionPages(this.#store.records, index)) {
      ids.push(...page.filter((stored) => isMeant(this.#liveOf(stored))).map(sessionIdOf));
    }
    const ended = await Promise.all(ids.map(async (id) => ((await this.revoke(id)) ? [id] : [])));
    return ended.flat();
  }

  /** Notes that a session, just found live, was used; no I/O: written seconds later, and lost rather than waited for. */
  touch(id: string): void {
    const nowMs = this.#clock();
    const noted = this.#noted.get(id);
    if (noted !== undefined && nowMs >= noted && nowMs - noted < this.#touchGapMs()) return;
    this.#noted.set(id, nowMs);
    this.#touches.add(id, nowMs);
  }

  /** Writes the uses noted last; safe to call twice. */
  close(): Promise<void> {
    return this.#touches.close();
  }

  async #read(id: string): Promise<SessionRecord | undefined> {
    if (!isToken(id, ID_BYTES)) return undefined;
    const stored = await this.#store.records.get(sessionKey(id));
    if (stored === undefined) return undefined;
    const record = decodeSession(id, stored.value);
    return this.#isLive(record) ? record : undefined;
  }

  #liveOf(stored: StoredRecord): SessionRecord | undefined {
    try {
      const record = decodeSession(sessionIdOf(stored), stored.value);
      return this.#isLive(record) ? record : undefined;
    } catch (error) {
      const { code, detail } = asGatewayError(error);
      this.#logger.error({ code, detail }, 'a session record is left out');
      return undefined;
    }
  }

  #isLive(record: SessionRecord): boolean {
    const nowMs = this.#clock();
    const endMs = Math.min(record.expiresAtMs, record.createdAtMs + this.#config.absoluteMs);
    return nowMs < endMs && nowMs < this.#seenMs(record) + this.#config.idleMs;
  }

  /** Gives the session as its account has it now; `undefined` when the account is gone. */
  async #present(record: SessionRecord): Promise<Session | undefined> {
    const session = sessionOf(record, this.#seenMs(record));
    if (record.account === undefined || this.#accountOf === undefined) return session;
    const account = await this.#accountOf(record.account);
    return account && { ...session, groups: account.groups, email: account.email };
  }

  #seenMs(record: SessionRecord): number {
    return Math.max(record.lastSeenMs, this.#touches.get(record.id) ?? 0);
  }

  async #writeSeen(id: string, seenMs: number): Promise<void> {
    const stored = await this.#store.records.get(sessionKey(id));
    const record = stored && this.#liveOf(stored);
    if (stored === undefined || record === undefined) return;
    if (seenMs - record.lastSeenMs < this.#touchGapMs()) return;
    await this.#write({ ...record, lastSeenMs: seenMs }, stored.version);
  }

  /** Writes what `change` makes of a live record, again from the new one when somebody else was faster. @returns what was there */
  async #change(
    id: string,
    change: (record: SessionRecord) => Promise<SessionRecord>,
  ): Promise<SessionRecord | undefined> {
    if (!isToken(id, ID_BYTES)) return undefined;
    for (;;) {
      const stored = await this.#store.records.get(sessionKey(id));
      const record = stored && decodeSession(id, stored.value);
      if (stored === undefined || record === undefined || !this.#isLive(record)) return undefined;
      if ((await this.#write(await change(record), stored.version)) !== undefined) return record;
    }
  }

  /** With the version, a session that was revoked meanwhile stays so. */
  #write(record: SessionRecord, ifVersion: number): Promise<number | undefined> {
    return this.#store.records.put(sessionKey(record.id), encodeSession(record), {
      ttlMs: this.#restMs(record),
      ifVersion,
      indexes: indexesOf(record),
    });
  }

  #restMs(record: SessionRecord): number {
    return Math.max(1, record.expiresAtMs - this.#clock());
  }

  #touchGapMs(): number {
    return Math.min(MAX_TOUCH_GAP_MS, this.#config.idleMs / 10);
  }
}
