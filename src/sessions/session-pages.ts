import type { Records, StoredRecord } from '../state/store.ts';
import { sessionKey } from './session-keys.ts';

const PAGE = 500;

/** Gives the records of an index, page by page. */
export async function* pagesOf(records: Records, index: string): AsyncGenerator<readonly StoredRecord[]> {
  let after: string | undefined;
  do {
    const page = await records.list(index, { limit: PAGE, ...(after !== undefined && { after }) });
    yield page.records;
    after = page.next;
  } while (after !== undefined);
}

/** Gives the public id of a stored session. */
export function sessionIdOf(stored: StoredRecord): string {
  return stored.key.slice(sessionKey('').length);
}
