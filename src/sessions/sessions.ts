import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { SessionConfig } from '../config/config.ts';
import { asGatewayError } from '../errors.ts';
import type { MethodName } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Notices } from '../state/notices.ts';
import type { Store, StoredRecord } from '../state/store.ts';
import { decodeSession, encodeSession, type SessionRecord } from './session-record.ts';
import { Touches } from './touches.ts';

/** A session as people and the admin see it; never holds the secret. */
export interface SessionView {
  /** Public id, not a credential. */
  readonly id: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly createdAtSec: number;
  readonly lastSeenSec: number;
  readonly expiresAtSec: number;
  readonly address: string | undefined;
  readonly device: string | undefined;
}

/** A live session: whom it stands for, and how they proved it. */
export interface Session extends SessionView {
  /** How the user signed in. */
  readonly method: MethodName;
  readonly claims: Readonly<Record<string, unknown>>;
  /** Name of the account that vouched for the user; `undefined` when somebody else did. */
  readonly account: string | undefined;
}

/** What an account says of its user. */
export interface AccountFacts {
  readonly groups: readonly string[];
  readonly email: string | undefined;
}

export interface NewSession {
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly method: MethodName;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly address?: string;
  /** What the browser calls itself; cut after 256 characters. */
  readonly device?: string;
  readonly account?: string;
  /** Absolute age when it is to be shorter than the configured one, milliseconds. */
  readonly maxAgeMs?: number;
}

export interface SessionsOptions {
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: SessionConfig;
  /** Gives what an account says now, `undefined` when there is none; absent: what was true at the sign-in stays so. */
  readonly accountOf?: (name: string) => Promise<AccountFacts | undefined>;
}

const INDEX = 'sessions';
const ID_BYTES = 16;
const SECRET_BYTES = 32;
const PAGE = 500;
const MAX_DEVICE = 256;
/** A use is written only when the stored one is older than this, and than a tenth of the idle age. */
const MAX_TOUCH_GAP_MS = 60_000;

/**
 * Sessions on the state. Comes in: who signed in, ids, secrets. Goes out: live sessions.
 *
 * Ages are decided at the read, by the clock and the present configuration; the store's own expiry only clears up.
 * Groups and email of a session that an account vouches for are those of the account at the read, not those at the
 * sign-in: a change counts at once and nobody has to sign in again. Without its account such a session is over.
 * Every call but `touch` throws SP_STATE_UNREACHABLE while the state is away, and SP_STATE_CORRUPT for a garbage record.
 */
export class Sessions {
  readonly #store: Store;
  readonly #notices: Notices;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #accountOf: SessionsOptions['accountOf'];
  readonly #touches: Touches;
  #config: SessionConfig;

  constructor({ store, notices, clock, logger, config, accountOf }: SessionsOptions) {
    this.#store = store;
    this.#notices = notices;
    this.#clock = clock;
    this.#logger = logger;
    this.#config = config;
    this.#accountOf = accountOf;
    this.#touches = new Touches((id, seenMs) => this.#writeSeen(id, seenMs));
  }

  /** Takes other ages; they count for the sessions that there are, too, which never live longer than they were made for. */
  configure(config: SessionConfig): void {
    this.#config = config;
  }

  /**
   * Makes a session.
   *
   * @returns the public id, the secret (256 bits, base64url) and the absolute end
   *
   * Security: the secret is given out here only; the state keeps its SHA-256, which needs no salt for it is random.
   */
  async create(order: NewSession): Promise<{ id: string; secret: string; expiresAtSec: number }> {
    const id = randomBytes(ID_BYTES).toString('base64url');
    const secret = randomBytes(SECRET_BYTES).toString('base64url');
    const nowMs = this.#clock();
    const ttlMs = Math.min(this.#config.absoluteMs, order.maxAgeMs ?? Number.POSITIVE_INFINITY);
    const record: SessionRecord = {
      id,
      secretHash: hashOf(secret),
      user: order.user,
      groups: order.groups,
      email: order.email,
      method: order.method,
      claims: order.claims ?? {},
      address: order.address,
      device: order.device?.slice(0, MAX_DEVICE),
      account: order.account,
      createdAtMs: nowMs,
      lastSeenMs: nowMs,
      expiresAtMs: nowMs + ttlMs,
    };
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

  /** Lists the live sessions, of everybody or of one user; a garbage record is left out and logged. */
  async list(user?: string): Promise<readonly SessionView[]> {
    const views: Session[] = [];
    for await (const page of this.#pages(user)) {
      const records = page.map((stored) => this.#liveOf(stored)).filter((record) => record !== undefined);
      for (const record of records) {
        const session = await this.#present(record);
        if (session !== undefined) views.push(session);
      }
    }
    return views.map(({ method: _, claims: __, account: ___, ...view }) => view);
  }

  /**
   * Ends a session and tells every process, also when it was gone already, so that a failed call can be repeated.
   * @returns whether it existed
   */
  async revoke(id: string): Promise<boolean> {
    if (!isToken(id, ID_BYTES)) return false;
    const stored = await this.#store.records.get(sessionKey(id));
    const user = (stored && this.#liveOf(stored)?.user) ?? '';
    const existed = await this.#store.records.delete(sessionKey(id));
    await this.#notices.publish({ kind: 'session-ended', id, user });
    return existed;
  }

  /**
   * Ends every session that a user has now, garbage records included, and tells every process.
   * @returns how many live ones ended
   */
  async revokeAll(user: string): Promise<number> {
    let ended = 0;
    for await (const page of this.#pages(user)) {
      const ends = page.map(async (stored) => {
        const wasLive = this.#liveOf(stored) !== undefined;
        return (await this.#store.records.delete(stored.key)) && wasLive;
      });
      ended += (await Promise.all(ends)).filter(Boolean).length;
    }
    await this.#notices.publish({ kind: 'sessions-ended', user });
    return ended;
  }

  /** Notes that a session, just found live, was used; written a few seconds later, and lost rather than waited for. */
  touch(id: string): void {
    this.#touches.add(id, this.#clock());
  }

  /** Writes the uses noted last; safe to call twice. */
  close(): Promise<void> {
    return this.#touches.close();
  }

  async *#pages(user: string | undefined): AsyncGenerator<readonly StoredRecord[]> {
    const index = user === undefined ? INDEX : userIndex(user);
    let after: string | undefined;
    do {
      const page = await this.#store.records.list(index, {
        limit: PAGE,
        ...(after !== undefined && { after }),
      });
      yield page.records;
      after = page.next;
    } while (after !== undefined);
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
      const record = decodeSession(stored.key.slice(sessionKey('').length), stored.value);
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
    const session = viewOf(record, this.#seenMs(record));
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
    if (seenMs - record.lastSeenMs < Math.min(MAX_TOUCH_GAP_MS, this.#config.idleMs / 10)) return;
    // With the version, a session that was revoked meanwhile stays so.
    await this.#store.records.put(sessionKey(id), encodeSession({ ...record, lastSeenMs: seenMs }), {
      ttlMs: Math.max(1, record.expiresAtMs - this.#clock()),
      ifVersion: stored.version,
      indexes: indexesOf(record),
    });
  }
}

function viewOf(record: SessionRecord, seenMs: number): Session {
  const { secretHash: _, createdAtMs, lastSeenMs: __, expiresAtMs, ...rest } = record;
  return {
    ...rest,
    createdAtSec: Math.floor(createdAtMs / 1000),
    lastSeenSec: Math.floor(seenMs / 1000),
    expiresAtSec: Math.floor(expiresAtMs / 1000),
  };
}

function indexesOf(record: SessionRecord): readonly string[] {
  return [INDEX, userIndex(record.user)];
}

/** Users may be named by others: hashed, no name is too long or means something to a database. */
function userIndex(user: string): string {
  return `sessions-of:${hashOf(user)}`;
}

function sessionKey(id: string): string {
  return `session:${id}`;
}

function secretKey(hash: string): string {
  return `session-secret:${hash}`;
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

function isToken(text: string, bytes: number): boolean {
  return text.length === Math.ceil((bytes * 4) / 3) && /^[A-Za-z0-9_-]+$/.test(text);
}

function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
