import { GatewayError } from '../errors.ts';
import type { FactorAttempt } from './factors.ts';

/** Counts failures of second factors; apart from those of passwords, which whoever guesses codes may know. */
export interface FactorFailures {
  /** Gives how long the next attempt has to wait, 0 for not at all. */
  check(attempt: {
    readonly user: string | undefined;
    readonly address: string;
  }): Promise<{ readonly waitMs: number }>;
  failed(attempt: { readonly user: string | undefined; readonly address: string }): Promise<unknown>;
  succeeded(attempt: {
    readonly user: string | undefined;
    readonly address: string;
  }): Promise<{ readonly waitMs: number }>;
}

/** Who tries; `user` is `undefined` before a passkey says who it is. */
export type Attempt = Omit<FactorAttempt, 'user'> & { readonly user: string | undefined };

/**
 * Lets an attempt be judged, and counts it when it fails.
 *
 * @param judge - gives `undefined` for a failure
 * @throws SP_AUTHENTICATE_THROTTLED with Retry-After after too many failures
 *
 * Security: a success counts only when not too many others failed while it was judged, or guesses sent at once would
 * all be free.
 */
export async function guarded<T>(
  failures: FactorFailures,
  attempt: Attempt,
  judge: () => Promise<T | undefined>,
): Promise<T | undefined> {
  demandNoWait(await failures.check(attempt));
  const result = await judge();
  if (result === undefined) await failures.failed(attempt);
  else demandNoWait(await failures.succeeded(attempt));
  return result;
}

function demandNoWait({ waitMs }: { readonly waitMs: number }): void {
  if (waitMs <= 0) return;
  throw new GatewayError('SP_AUTHENTICATE_THROTTLED', {
    reason: 'throttled',
    headers: ['retry-after', String(Math.ceil(waitMs / 1000))],
  });
}
