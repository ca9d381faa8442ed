import type { Lease, Leases } from '../../state/store.ts';

/** Life of a lease that is not renewed, milliseconds: how long a process that died keeps the others waiting. */
const LEASE_MS = 6_000;
const RENEW_MS = 2_000;

/** A lease that renews itself until it is released. */
export class HeldLease {
  readonly #leases: Leases;
  readonly #lease: Lease;
  readonly #timer: NodeJS.Timeout;

  private constructor(leases: Leases, lease: Lease) {
    this.#leases = leases;
    this.#lease = lease;
    // A renewal that fails is tried again; one that comes too late was lost, which `renew` cannot mend.
    this.#timer = setInterval(() => void leases.renew(lease, LEASE_MS).catch(() => {}), RENEW_MS).unref();
  }

  /** @returns `undefined` while somebody else has it */
  static async acquire(leases: Leases, name: string, holder: string): Promise<HeldLease | undefined> {
    const lease = await leases.acquire(name, holder, LEASE_MS);
    return lease && new HeldLease(leases, lease);
  }

  /** Gives the lease up; what keeps the state from hearing of it is waited out by the others. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#leases.release(this.#lease).catch(() => {});
  }
}
