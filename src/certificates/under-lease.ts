import { randomUUID } from 'node:crypto';
import type { Leases } from '../state/store.ts';

/** What is done under a lease: `signal` ends it when the lease is lost, `holds` asks the state whether it still is ours. */
export type Task<T> = (signal: AbortSignal, holds: () => Promise<boolean>) => Promise<T>;

/** What is asked for. */
export interface LeaseWish {
  readonly name: string;
  /** How long others wait for a holder that died, milliseconds; default 30,000. */
  readonly ttlMs?: number;
  /** Gives up what is under way. */
  readonly stop?: AbortSignal;
}

const TTL_MS = 30_000;
/** Renewals in the life of a lease. */
const RENEWALS = 4;

/**
 * Does something that only one process on the same state may do at a time.
 *
 * @returns `undefined` when another process is at it
 * @throws SP_STATE_UNREACHABLE when the lease cannot be asked for
 */
export async function underLease<T>(
  leases: Leases,
  { name, ttlMs = TTL_MS, stop }: LeaseWish,
  task: Task<T>,
): Promise<{ readonly result: T } | undefined> {
  const lease = await leases.acquire(name, randomUUID(), ttlMs);
  if (lease === undefined) return undefined;
  const lost = new AbortController();
  let heldUntil = performance.now() + ttlMs;
  const renewMs = ttlMs / RENEWALS;
  const holds = async (): Promise<boolean> => {
    const askedAt = performance.now();
    const held = await leases.renew(lease, ttlMs);
    if (held) heldUntil = askedAt + ttlMs;
    return held;
  };
  const renewal = setInterval(() => {
    holds().then(
      (held) => held || lost.abort(),
      // Away, not lost: it is ours until it ends by itself.
      () => performance.now() < heldUntil - renewMs || lost.abort(),
    );
  }, renewMs).unref();
  try {
    return {
      result: await task(AbortSignal.any(stop === undefined ? [lost.signal] : [stop, lost.signal]), holds),
    };
  } finally {
    clearInterval(renewal);
    await leases.release(lease).catch(() => undefined);
  }
}
