import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../lib/clock.ts';
import type { JsonFields } from '../../lib/json-fields.ts';
import { fieldsOf } from './acme-connection.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Reply } from './wire.ts';

const FIRST_MS = 250;
const LONGEST_MS = 10_000;
const LONGEST_ASKED_MS = 60_000;

/**
 * Asks until the answer is the wanted one, as often as the CA's `Retry-After` says, else less and less often.
 *
 * @param signal - ends it, rejecting with its reason
 */
export async function poll(
  ask: () => Promise<Reply>,
  clock: Clock,
  signal: AbortSignal,
  isDone: (fields: JsonFields) => boolean,
): Promise<JsonFields> {
  for (let wait = FIRST_MS; ; wait = Math.min(LONGEST_MS, wait * 1.5)) {
    const reply = await ask();
    const fields = fieldsOf(reply);
    if (isDone(fields)) return fields;
    const asked = retryAfterMs(reply.headers['retry-after'], clock());
    await sleep(Math.min(LONGEST_ASKED_MS, Math.max(asked ?? wait, FIRST_MS)), undefined, { signal });
  }
}
