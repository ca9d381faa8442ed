import { createHash, timingSafeEqual } from 'node:crypto';
import type { SessionRecord } from './session-record.ts';

/** Index of all sessions. */
export const ALL_SESSIONS = 'sessions';

/** Gives every list in which a session is found. */
export function indexesOf({ user, provider, parent }: SessionRecord): readonly string[] {
  const indexes = [ALL_SESSIONS, userIndex(user)];
  if (parent !== undefined) indexes.push(parentIndex(parent));
  if (provider?.sid !== undefined) indexes.push(providerIndex(provider.name, { sid: provider.sid }));
  if (provider?.subject !== undefined) {
    indexes.push(providerIndex(provider.name, { subject: provider.subject }));
  }
  return indexes;
}

/** Users may be named by others: hashed, no name is too long or means something to a database. */
export function userIndex(user: string): string {
  return `sessions-of:${hashOf(user)}`;
}

/** Gives the list of the sessions that were got for another credential. */
export function parentIndex(parent: string): string {
  return `sessions-from:${hashOf(parent)}`;
}

/** Gives the list of the sessions that a provider knows under a `sid` or a `sub`. */
export function providerIndex(
  provider: string,
  by: { readonly sid: string } | { readonly subject: string },
): string {
  const parts = 'sid' in by ? ['sid', provider, by.sid] : ['subject', provider, by.subject];
  return `sessions-at:${hashOf(JSON.stringify(parts))}`;
}

/** Gives the key of a session by its public id. */
export function sessionKey(id: string): string {
  return `session:${id}`;
}

/** Gives the key of the pointer from a secret, by its hash, to the id of its session. */
export function secretKey(hash: string): string {
  return `session-secret:${hash}`;
}

/** Gives the key of the sealed tokens of a session. */
export function tokensKey(id: string): string {
  return `session-tokens:${id}`;
}

/** Gives the SHA-256 of a text, base64url. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** Tells whether a text can be the base64url of so many bytes. */
export function isToken(text: string, bytes: number): boolean {
  return text.length === Math.ceil((bytes * 4) / 3) && /^[A-Za-z0-9_-]+$/.test(text);
}

/** Compares two texts; how long it takes tells nothing but whether the lengths differ. */
export function sameText(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
