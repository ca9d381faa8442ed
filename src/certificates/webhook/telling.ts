import { JsonFields } from '../../lib/json-fields.ts';
import type { Records } from '../../state/store.ts';

/** How the telling of one notice went, for all processes and over restarts. */
export interface Telling {
  readonly delivered: boolean;
  /** Attempts that failed. */
  readonly failures: number;
  /** Nobody tries before it; milliseconds since the epoch. */
  readonly notBeforeMs: number;
  /** Id of the receiver: to another one it is told anew as long as nobody took it. */
  readonly receiver: string;
}

/** A telling as it was read; `version` is `undefined` when there was none. */
export interface KeptTelling {
  readonly telling: Telling | undefined;
  readonly version: number | undefined;
}

const PREFIX = 'webhook/';
/** Longer than the longest threshold. A certificate that is served on after its end is told of once in this time. */
const KEPT_MS = 400 * 24 * 3600_000;
const FIRST_MS = 60_000;
const LONGEST_MS = 4 * 3600_000;
/** With the waits between them some 16 hours. */
const MOST_TRIES = 12;

/** Whether nobody needs to do anything about a notice at the moment. */
export function isSettled(telling: Telling | undefined, receiver: string, nowMs: number): boolean {
  if (telling === undefined) return false;
  if (telling.delivered) return true;
  return telling.receiver === receiver && (isGivenUp(telling) || telling.notBeforeMs > nowMs);
}

/** Whether its receiver was asked often enough. */
export function isGivenUp({ delivered, failures }: Telling): boolean {
  return !delivered && failures >= MOST_TRIES;
}

/** Gives the telling after an attempt that failed: the wait doubles each time, from a minute to four hours. */
export function afterFailure(before: Telling | undefined, receiver: string, nowMs: number): Telling {
  const failures = before?.receiver === receiver ? before.failures + 1 : 1;
  const waitMs = Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1));
  return { delivered: false, failures, notBeforeMs: nowMs + waitMs, receiver };
}

/** Reads what is known of a notice; garbage counts as nothing. @throws SP_STATE_UNREACHABLE */
export async function readTelling(records: Pick<Records, 'get'>, id: string): Promise<KeptTelling> {
  const stored = await records.get(PREFIX + id);
  if (stored === undefined) return { telling: undefined, version: undefined };
  return { telling: decode(stored.value), version: stored.version };
}

/**
 * Writes a telling. A failure is written only when nobody else wrote meanwhile: they may have delivered it.
 *
 * @param version - as it was read
 * @throws SP_STATE_UNREACHABLE
 */
export async function writeTelling(
  records: Pick<Records, 'put'>,
  id: string,
  telling: Telling,
  version: number | undefined,
): Promise<void> {
  const unchanged = version === undefined ? { ifAbsent: true } : { ifVersion: version };
  const value = Buffer.from(JSON.stringify(telling));
  await records.put(PREFIX + id, value, { ttlMs: KEPT_MS, ...(telling.delivered ? {} : unchanged) });
}

function decode(value: Uint8Array): Telling | undefined {
  try {
    const fields = new JsonFields(value, (why) => new TypeError(why));
    return {
      delivered: fields.flag('delivered'),
      failures: fields.count('failures'),
      notBeforeMs: fields.count('notBeforeMs'),
      receiver: fields.text('receiver'),
    };
  } catch {
    return undefined;
  }
}
