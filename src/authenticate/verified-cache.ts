import { hash, randomBytes } from 'node:crypto';
import type { RouteConfig } from '../config/config.ts';
import type { MethodName } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import type { TokenFacts } from '../sessions/revocation-list.ts';
import type { Notice } from '../state/notices.ts';
import type { Verified } from './method.ts';
import { RecentEndings } from './recent-endings.ts';
import { endedTag, tagsOf } from './tie-tags.ts';

/** What the cache has to say of a credential. `down`: the state is away and the route does not trust what is known. */
export type Recalled = Verified | 'unknown' | 'revoked' | 'down';

export interface VerifiedCacheOptions {
  /** Most credentials kept; one that was not used lately goes first. At least 1. */
  readonly entries: number;
  /** Age after which a credential is verified anew, milliseconds. */
  readonly cacheMs: number;
  /** Age up to which `storeDown: grace` trusts a credential while the state is away, milliseconds. */
  readonly graceMs: number;
  readonly clock: Clock;
  readonly isStateUp: () => boolean;
  /** Says, without I/O, whether a token was revoked. */
  readonly isRevoked: (token: TokenFacts) => boolean;
}

/** What a reload may change. */
export type VerifiedCacheBounds = Pick<VerifiedCacheOptions, 'entries' | 'cacheMs' | 'graceMs'>;

interface Entry {
  readonly verified: Verified;
  readonly verifiedAtMs: number;
  readonly tags: readonly string[];
  usedAtMs: number;
  /** Whether it was used since it last had a chance to be dropped. */
  used: boolean;
}

/** Entries in a row that are spared for having been used; then one is dropped all the same. */
const MAX_SPARED = 8;

/**
 * Remembers which credentials were verified, so that the same one costs a hash and a look-up the next time.
 *
 * Security: keyed by SHA-256 over a random prefix of this process and the credential; the credential itself is not
 * kept. Refusals are never kept. Expiry and revocation are decided at each use, and `forget` takes effect at once:
 * a verification that began before an ending and finishes after it is not remembered.
 */
export class VerifiedCache {
  readonly #pepper = randomBytes(32).toString('base64url');
  #options: VerifiedCacheOptions;
  /**
   * In order of arrival. A use sets a flag and moves nothing: deleting and setting the same key again and again leaves
   * a chain of dead entries in a `Map`, which made a hit 25 times as dear with 9,000 entries.
   */
  readonly #entries = new Map<string, Entry>();
  readonly #keysByTag = new Map<string, Set<string>>();
  readonly #endings = new RecentEndings(1024);

  constructor(options: VerifiedCacheOptions) {
    this.#options = options;
  }

  /** Takes other bounds; they count for what is remembered already, too. */
  configure({ entries, cacheMs, graceMs }: VerifiedCacheBounds): void {
    this.#options = { ...this.#options, entries, cacheMs, graceMs };
    while (this.#entries.size > entries) this.#makeRoom();
  }

  /** Gives the key under which a credential is remembered; about a microsecond. */
  keyOf(credential: string): string {
    return hash('sha256', this.#pepper + credential, 'base64url');
  }

  /** Gives a mark to take before verifying and to pass to `remember`; it changes with every ending. */
  mark(): number {
    return this.#endings.mark();
  }

  /**
   * Gives what is known of a credential for a method and a route.
   * @param outage - treats the state as away although it seemed up, after it failed to answer
   */
  recall(key: string, method: MethodName, storeDown: RouteConfig['storeDown'], outage = false): Recalled {
    const entry = this.#entries.get(key);
    const { clock, isStateUp, isRevoked } = this.#options;
    // A revocation made by others meanwhile would not be heard of, whatever the credential hangs on.
    if (storeDown === 'closed' && (outage || !isStateUp())) return 'down';
    if (entry === undefined || entry.verified.identity.method !== method) return 'unknown';
    const { ties } = entry.verified;
    const nowMs = clock();
    if (ties.expiresAtSec !== undefined && nowMs >= ties.expiresAtSec * 1000) {
      this.drop(key);
      return 'unknown';
    }
    if (isRevoked(ties)) return 'revoked';
    // It may have been used in another process since: the state knows.
    if (ties.idleMs !== undefined && nowMs - entry.usedAtMs >= ties.idleMs) return 'unknown';
    const away = ties.needsState && (outage || !isStateUp());
    if (!this.#isTrusted(nowMs - entry.verifiedAtMs, away ? storeDown : undefined)) {
      return away ? 'down' : 'unknown';
    }
    entry.used = true;
    entry.usedAtMs = nowMs;
    return entry.verified;
  }

  #isTrusted(ageMs: number, storeDown: RouteConfig['storeDown'] | undefined): boolean {
    switch (storeDown) {
      // A negative age means that the clock was set back: what was true then is asked again.
      case undefined:
        return ageMs >= 0 && ageMs < this.#options.cacheMs;
      case 'grace':
        return Math.abs(ageMs) < this.#options.graceMs;
      case 'open-to-known':
        return true;
      case 'closed':
        return false;
    }
  }

  /** Keeps a verified credential, unless something it hangs on ended since `mark`. */
  remember(key: string, verified: Verified, mark: number): void {
    const tags = tagsOf(verified.ties);
    if (this.#endings.anySince(mark, tags)) return;
    this.drop(key);
    if (this.#entries.size >= this.#options.entries) this.#makeRoom();
    const nowMs = this.#options.clock();
    this.#entries.set(key, { verified, verifiedAtMs: nowMs, usedAtMs: nowMs, tags, used: false });
    for (const tag of tags) {
      const keys = this.#keysByTag.get(tag);
      if (keys === undefined) this.#keysByTag.set(tag, new Set([key]));
      else keys.add(key);
    }
  }

  /** Forgets every credential that hangs on what the notice says has ended or changed. */
  forget(notice: Notice): void {
    const tag = endedTag(notice);
    if (tag === undefined) return;
    this.#endings.add(tag);
    for (const key of this.#keysByTag.get(tag) ?? []) this.drop(key);
  }

  /** Forgets everything: after a gap in the event log, or when the configuration of a method changed. */
  forgetAll(): void {
    this.#endings.addAll();
    this.#entries.clear();
    this.#keysByTag.clear();
  }

  /** Forgets one credential. */
  drop(key: string): void {
    const entry = this.#entries.get(key);
    if (entry === undefined) return;
    this.#entries.delete(key);
    for (const tag of entry.tags) {
      const keys = this.#keysByTag.get(tag);
      keys?.delete(key);
      if (keys?.size === 0) this.#keysByTag.delete(tag);
    }
  }

  /** Drops the oldest entry that was not used since the last round (second chance). */
  #makeRoom(): void {
    let spared = 0;
    for (const [key, entry] of this.#entries) {
      if (!entry.used || spared++ === MAX_SPARED) {
        this.drop(key);
        return;
      }
      entry.used = false;
      this.#entries.delete(key);
      this.#entries.set(key, entry);
    }
  }

  get size(): number {
    return this.#entries.size;
  }
}
