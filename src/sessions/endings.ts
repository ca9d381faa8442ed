import { randomUUID } from 'node:crypto';
import type { Records } from '../state/store.ts';
import { withoutSid } from './named-by-provider.ts';
import type { SessionProvider } from './session.ts';
import { providerIndex, userIndex } from './session-keys.ts';

/** Longer than any sign-in takes from its first factor to its session. */
const KEEP_MS = 3_600_000;

/** Who signs in: everything by which all their sessions may be ended at once. */
export interface SigningIn {
  readonly user: string;
  readonly provider?: SessionProvider;
}

/**
 * Remembers, for an hour, that all sessions of somebody were ended, for sign-ins that have begun and made no session yet.
 *
 * A mark is a new random text each time: comparing two readings needs no clock that all processes share.
 */
export class Endings {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** Notes that a user is to begin every sign-in anew. */
  interrupt(user: string): Promise<void> {
    return this.add(userIndex(user));
  }

  /** Notes that the sessions of a list were ended. */
  async add(index: string): Promise<void> {
    await this.#records.put(keyOf(index), Buffer.from(randomUUID()), { ttlMs: KEEP_MS });
  }

  /** Gives the present marks of somebody, for `endedSince`. */
  async marks(who: SigningIn): Promise<readonly string[]> {
    const stored = await Promise.all(listsOf(who).map((index) => this.#records.get(keyOf(index))));
    return stored.map((record) => (record === undefined ? '' : Buffer.from(record.value).toString('latin1')));
  }

  /** Tells whether anything of somebody was ended since marks were read. A mark that is gone only became old. */
  async endedSince(before: readonly string[], who: SigningIn): Promise<boolean> {
    const now = await this.marks(who);
    return now.some((mark, at) => mark !== '' && mark !== before[at]);
  }
}

function listsOf({ user, provider }: SigningIn): readonly string[] {
  const lists = [userIndex(user)];
  if (provider === undefined) return lists;
  const { name, sid, subject } = provider;
  if (sid !== undefined) lists.push(providerIndex(name, { sid }));
  if (subject === undefined) return lists;
  const ofSubject = providerIndex(name, { subject });
  return sid === undefined ? [...lists, ofSubject, withoutSid(ofSubject)] : [...lists, ofSubject];
}

function keyOf(index: string): string {
  return `ended:${index}`;
}
