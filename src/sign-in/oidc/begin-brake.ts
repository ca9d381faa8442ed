import { GatewayError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { ipPrefix } from '../../lib/ip-prefix.ts';
import type { Counters } from '../../state/store.ts';

const WINDOW_MS = 60_000;
/** An office behind one address comes to work at nine; a flood is more than that. */
const MAX_BEGUN = 600;

/**
 * Counts a sign-in that begins.
 *
 * @throws SP_AUTHENTICATE_THROTTLED when too many began at one address within a minute
 *
 * Security: each one leaves a record in the state, and anybody may begin one.
 */
export async function brake(counters: Counters, address: string, clock: Clock): Promise<void> {
  const { count, resetsAtMs } = await counters.increment(`oidc-begin:${ipPrefix(address)}`, WINDOW_MS);
  if (count <= MAX_BEGUN) return;
  const waitSec = Math.max(1, Math.ceil((resetsAtMs - clock()) / 1000));
  throw new GatewayError('SP_AUTHENTICATE_THROTTLED', {
    reason: 'too-many-flows',
    headers: ['retry-after', String(waitSec)],
  });
}
