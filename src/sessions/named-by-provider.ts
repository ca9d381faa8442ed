import { providerIndex } from './session-keys.ts';
import type { SessionRecord } from './session-record.ts';

/** By what a provider names sessions: its own id of one, its id of their user, or both. */
export interface NamedByProvider {
  readonly sid?: string;
  readonly subject?: string;
}

/** Sessions to end: a list of them, what of it is meant, and the name under which their end is noted. */
export interface Named {
  readonly index: string;
  readonly mark: string;
  /** Garbage, given as `undefined`, is always meant. */
  readonly isMeant: (record?: SessionRecord) => boolean;
}

/**
 * Gives the sessions that a provider names (OpenID Connect Back-Channel Logout 1.0 §2.7): those of a `sid`, or all of a `sub`;
 * with both those of the `sid`, and those of the `sub` of which no `sid` is known.
 */
export function namedByProvider(provider: string, { sid, subject }: NamedByProvider): readonly Named[] {
  const all = (index: string): Named => ({ index, mark: index, isMeant: () => true });
  const ofSid = sid === undefined ? [] : [all(providerIndex(provider, { sid }))];
  if (subject === undefined) return ofSid;
  const index = providerIndex(provider, { subject });
  if (sid === undefined) return [all(index)];
  const isMeant = (record?: SessionRecord) => record?.provider?.sid === undefined;
  return [...ofSid, { index, mark: withoutSid(index), isMeant }];
}

/** Gives the name under which the end of those sessions of a `sub` is noted that have no `sid`. */
export function withoutSid(subjectIndex: string): string {
  return `${subjectIndex}:without-sid`;
}
