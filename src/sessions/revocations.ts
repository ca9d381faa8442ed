import { createHash } from 'node:crypto';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { JsonFields } from '../lib/json-fields.ts';
import type { Logger } from '../lib/logger.ts';
import { pagesOf } from '../lib/pages.ts';
import type { Notice, Notices } from '../state/notices.ts';
import type { Store, StoredRecord } from '../state/store.ts';
import { RevocationList, type TokenFacts } from './revocation-list.ts';

/** What the revocations stand on. */
export interface RevocationsOptions {
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly logger: Logger;
  /** How long a revocation without an end is kept: longer than any token lives. Default 90 days. */
  readonly keepMs?: number;
}

const INDEX = 'revocations';
const PAGE = 1000;
const RETRY_MS = 500;
const DEFAULT_KEEP_MS = 90 * 24 * 3600 * 1000;
/** Verifiers tolerate clocks that differ: a revocation outlives its token by more than any of them. */
const SLACK_MS = 5 * 60 * 1000;
const MAX_TEXT = 1024;

/**
 * Revoked tokens. Comes in: orders of this process and notices of the others. Goes out: a yes or no from memory.
 *
 * Records in the state are the checkpoint, read on start and on every gap; notices keep it up in between.
 */
export class Revocations {
  readonly #store: Store;
  readonly #notices: Notices;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #keepMs: number;
  readonly #list = new RevocationList();
  readonly #stops: (() => void)[] = [];
  #retry: NodeJS.Timeout | undefined;
  #loading: Promise<void> | undefined;
  #loadAgain = false;
  #ready = false;
  #closed = false;

  constructor({ store, notices, clock, logger, keepMs }: RevocationsOptions) {
    this.#store = store;
    this.#notices = notices;
    this.#clock = clock;
    this.#logger = logger;
    this.#keepMs = keepMs ?? DEFAULT_KEEP_MS;
  }

  /** Whether everything revoked so far was read; until then `isRevoked` knows only what it was told since the start. */
  get ready(): boolean {
    return this.#ready;
  }

  /** Listens, then reads what is revoked. Never fails: an unreachable state is asked again until it answers. */
  async start(): Promise<void> {
    this.#stops.push(
      this.#notices.on((notice) => this.#take(notice)),
      this.#notices.onGap(() => void this.#load()),
    );
    await this.#load();
  }

  /**
   * Revokes one token, everywhere.
   *
   * @param untilSec - the token's `exp`, after which nothing has to be remembered; absent: the longest keeping time
   * @throws SP_ADMIN_BAD_REQUEST for a `jti` that is empty or longer than 1024 characters, or a time that is none
   * @throws SP_STATE_UNREACHABLE when it was not revoked, or not every process was told: repeat it
   */
  async revokeToken(jti: string, untilSec?: number): Promise<void> {
    checkText('jti', jti);
    const until = Math.ceil(untilSec ?? (this.#clock() + this.#keepMs) / 1000);
    checkSec('until', until, Number.MAX_SAFE_INTEGER);
    const ttlMs = this.#tokenUntilMs(until) - this.#clock();
    if (ttlMs <= 0) return;
    const value = Buffer.from(JSON.stringify({ kind: 'token', jti, untilSec: until }));
    await this.#store.records.put(`revoked-token:${hashOf(jti)}`, value, { ttlMs, indexes: [INDEX] });
    await this.#notices.publish({ kind: 'token-revoked', jti, untilSec: until });
  }

  /**
   * Revokes every token of a subject that was issued before a time, everywhere. An earlier time never undoes a later one.
   *
   * @param beforeSec - seconds since the epoch; absent: now, rounded up since `iat` has no fractions
   * @throws SP_ADMIN_BAD_REQUEST for a subject that is empty or longer than 1024 characters, or a time that is none or too far ahead
   * @throws SP_STATE_UNREACHABLE when it was not revoked, or not every process was told: repeat it
   */
  async revokeSubject(subject: string, beforeSec?: number): Promise<void> {
    checkText('subject', subject);
    const before = Math.ceil(beforeSec ?? Math.floor(this.#clock() / 1000) + 1);
    // A time far ahead is one in milliseconds: it would shut the subject out for centuries.
    checkSec('before', before, (this.#clock() + this.#keepMs) / 1000);
    const key = `revoked-subject:${hashOf(subject)}`;
    const ttlMs = Math.max(this.#subjectUntilMs(before) - this.#clock(), 1);
    for (;;) {
      const known = await this.#store.records.get(key);
      if (known !== undefined && this.#knownBefore(known) >= before) break;
      const condition = known === undefined ? { ifAbsent: true } : { ifVersion: known.version };
      const value = Buffer.from(JSON.stringify({ kind: 'subject', subject, beforeSec: before }));
      if (await this.#store.records.put(key, value, { ttlMs, indexes: [INDEX], ...condition })) break;
    }
    await this.#notices.publish({ kind: 'subject-revoked', subject, beforeSec: before });
  }

  /** Tells, from memory, whether a token was revoked. */
  isRevoked(facts: TokenFacts): boolean {
    return this.#list.isRevoked(facts, this.#clock());
  }

  /** Stops listening; safe to call twice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const stop of this.#stops.splice(0)) stop();
  }

  #take(notice: Notice): void {
    if (notice.kind === 'token-revoked') {
      this.#list.addToken(notice.jti, this.#tokenUntilMs(notice.untilSec), this.#clock());
    }
    if (notice.kind === 'subject-revoked') {
      const untilMs = this.#subjectUntilMs(notice.beforeSec);
      this.#list.addSubject(notice.subject, notice.beforeSec, untilMs, this.#clock());
    }
  }

  #tokenUntilMs(untilSec: number): number {
    return Math.min(untilSec * 1000 + SLACK_MS, this.#clock() + this.#keepMs + SLACK_MS);
  }

  /** Tokens issued before a time are gone once the longest life has passed since then. */
  #subjectUntilMs(beforeSec: number): number {
    return beforeSec * 1000 + this.#keepMs;
  }

  #knownBefore(stored: StoredRecord): number {
    const notice = this.#read(stored);
    return notice?.kind === 'subject-revoked' ? notice.beforeSec : 0;
  }

  /** Reads everything, one reading at a time; one that is asked for meanwhile follows. */
  #load(): Promise<void> {
    if (this.#loading !== undefined) {
      this.#loadAgain = true;
      return this.#loading;
    }
    clearTimeout(this.#retry);
    this.#loading = this.#readAll().finally(() => {
      this.#loading = undefined;
      const again = this.#loadAgain;
      this.#loadAgain = false;
      if (again && !this.#closed) void this.#load();
    });
    return this.#loading;
  }

  async #readAll(): Promise<void> {
    try {
      const pages = pagesOf((place) => this.#store.records.list(INDEX, { limit: PAGE, ...place }));
      for await (const page of pages) {
        for (const stored of page) {
          const notice = this.#read(stored);
          if (notice !== undefined) this.#take(notice);
        }
        if (this.#closed) break;
      }
      this.#ready = true;
    } catch (error) {
      if (this.#closed) return;
      const { code, detail } = asGatewayError(error);
      this.#logger.warn({ code, detail }, 'the revocations cannot be read yet');
      this.#retry = setTimeout(() => void this.#load(), RETRY_MS).unref();
    }
  }

  #read(stored: StoredRecord): Notice | undefined {
    try {
      const fields = new JsonFields(stored.value, (why) => new TypeError(why));
      return fields.text('kind') === 'token'
        ? { kind: 'token-revoked', jti: fields.text('jti'), untilSec: fields.count('untilSec') }
        : { kind: 'subject-revoked', subject: fields.text('subject'), beforeSec: fields.count('beforeSec') };
    } catch {
      this.#logger.error({ code: 'SP_STATE_CORRUPT' }, 'a revocation record cannot be read and is left out');
      return undefined;
    }
  }
}

function checkText(field: string, text: string): void {
  if (text !== '' && text.length <= MAX_TEXT) return;
  throw new GatewayError('SP_ADMIN_BAD_REQUEST', { problems: [`${field}: 1 to ${MAX_TEXT} characters`] });
}

function checkSec(field: string, value: number, most: number): void {
  if (Number.isSafeInteger(value) && value >= 0 && value <= most) return;
  throw new GatewayError('SP_ADMIN_BAD_REQUEST', {
    problems: [`${field}: not a time in seconds since 1970`],
  });
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
