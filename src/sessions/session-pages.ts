import { pagesOf } from '../lib/pages.ts';
import type { Records, StoredRecord } from '../state/store.ts';
import { sessionKey } from './session-keys.ts';

const PAGE = 500;

/** Gives the records of an index, page by page. */
export function sessionPages(records: Records, index: string): AsyncGenerator<readonly StoredRecord[]> {
  return pagesOf((place) => records.list(index, { limit: PAGE, ...place }));
}

/** Gives the public id of a stored session. */
export function sessionIdOf(stored: StoredRecord): string {
  return stored.key.slice(sessionKey('').length);
}
