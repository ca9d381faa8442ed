import { asGatewayError, GatewayError } from '../errors.ts';
import { pagesOf } from '../lib/pages.ts';
import { SEALED_INDEX, type Sealer, sealedBy } from '../lib/seal.ts';
import type { Records, StoredRecord } from './store.ts';

const PAGE = 500;
const MOST_ROUNDS = 10;

/** What a pass over the sealed records did. */
export interface Resealed {
  readonly moved: number;
  /** Keys of records that no key at hand opens. */
  readonly unreadable: readonly string[];
}

/**
 * Seals every record anew that another key than the sealer's first one sealed, each in one conditional write: it may be
 * cut off anywhere and begun again, and processes may go on writing meanwhile.
 *
 * @throws SP_STATE_UNREACHABLE, SP_STATE_FULL, SP_STATE_KEY while others seal with an old key
 */
export async function resealAll(records: Records, sealer: Sealer): Promise<Resealed> {
  let moved = 0;
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const unreadable: string[] = [];
    let left = 0;
    for await (const page of pagesOf((place) => records.list(SEALED_INDEX, { limit: PAGE, ...place }))) {
      for (const record of page) {
        if (sealedBy(record.value) === sealer.keyId) continue;
        const done = await reseal(record, records, sealer);
        if (done === undefined) unreadable.push(record.key);
        else left++;
        if (done === true) moved++;
      }
    }
    // A record that somebody else wrote meanwhile is looked at once more.
    if (left === 0) return { moved, unreadable };
  }
  throw new GatewayError('SP_STATE_KEY', {
    detail: 'other processes go on sealing with an old key: give them the new one first',
    reason: 'old-key-in-use',
  });
}

/** @returns whether it was written; `undefined` when it does not open */
async function reseal(
  { key, value, version, expiresAtMs }: StoredRecord,
  records: Records,
  sealer: Sealer,
): Promise<boolean | undefined> {
  let plain: Uint8Array;
  try {
    plain = sealer.open(value, key);
  } catch (error) {
    const { code } = asGatewayError(error);
    if (code === 'SP_STATE_UNREACHABLE') throw error;
    return undefined;
  }
  const life = expiresAtMs === undefined ? {} : { ttlMs: Math.max(1, expiresAtMs - Date.now()) };
  const written = await records.put(key, sealer.seal(plain, key), {
    ...life,
    ifVersion: version,
    indexes: [SEALED_INDEX],
  });
  return written !== undefined;
}
