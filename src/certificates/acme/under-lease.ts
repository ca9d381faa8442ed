import { randomUUID } from 'node:crypto';
import type { Leases } from '../../state/store.ts';

/** What is done under a lease: `signal` ends it when the lease is lost, `holds` asks the state whether it still is ours. */
export type Task<T> = (signal: AbortSignal, holds: () => Promise<boolean>) => Promise<T>;

const TTL_MS = 30_000;
const RENEW_MS = 8_000;

/**
 * Does something that only one process on the same state may do at a time.
 *
 * @param stop - gives up what is under way
 * @returns `undefined` when another process is at it
 * @throws SP_STATE_UNREACHABLE when the lease cannot be asked for
 */
export async function underLease<T>(
  leases: Leases,
  name: string,
  stop: AbortSignal,
  task: Task<T>,
): Promise<{ readonly result: T } | undefined> {
  const lease = await leases.acquire(name, randomUUID(), TTL_MS);
  if (lease === undefined) return undefined;
  const lost = new AbortController();
  let heldUntil = performance.now() + TTL_MS;
  const holds = async (): Promise<boolean> => {
    const askedAt = performance.now();
    const held = await leases.renew(lease, TTL_MS);
    if (held) heldUntil = askedAt + TTL_MS;
    return held;
  };
  const renewal = setInterval(() => {
    holds().then(
      (held) => held || lost.abort(),
      // Away, not lost: it is ours until it ends by itself.
      () => performance.now() < heldUntil - RENEW_MS || lost.abort(),
    );
  }, RENEW_MS).unref();
  try {
    return { result: await task(AbortSignal.any([stop, lost.signal]), holds) };
  } finally {
    clearInterval(renewal);
    await leases.release(lease).catch(() => undefined);
  }
}
