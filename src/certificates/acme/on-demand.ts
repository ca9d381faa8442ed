import { asGatewayError } from '../../errors.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import { canonicalHost } from '../../lib/canonical-host.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import { pagesOf } from '../../lib/pages.ts';
import type { Store } from '../../state/store.ts';

export interface OnDemandParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Gives the name of the certificate whose rule allows a canonical host, `undefined` when none does. */
  readonly ruleFor: (host: string) => string | undefined;
  /** A host is to be kept from now on, by the rule of a certificate. */
  readonly onHost: (host: string, rule: string) => void;
}

const INDEX = 'acme-on-demand';
const PREFIX = 'acme/on-demand/';
const PAGE = 1000;
/** New hosts per hour and rule, over all processes: each costs an order, and a client chooses the name. */
const NEW_PER_HOUR = 20;
const HOUR_MS = 3600_000;
/** A host that never got its certificate is forgotten after it. */
const TRIAL_MS = 24 * HOUR_MS;
const ASKED = 10_000;
const ASK_AGAIN_MS = 10 * 60_000;
/** A host's name is its certificate's name, which has at most 64 characters. */
const LONGEST_HOST = 64;

/**
 * The hosts for which clients asked and that a rule allows, on every process and over restarts.
 *
 * Security: names come from clients. Only those under an allowed suffix and with a route count, at most 20 new ones per hour and
 * rule, so that names made up under one suffix take nothing from another rule; everything else costs one look into a map.
 */
export class OnDemand {
  readonly #parts: OnDemandParts;
  readonly #asked = new BoundedMap<string, number>(ASKED);

  constructor(parts: OnDemandParts) {
    this.#parts = parts;
  }

  /** Reads and gives the hosts that other processes, or this one before, took on. @throws SP_STATE_UNREACHABLE */
  async load(): Promise<ReadonlySet<string>> {
    const hosts = new Set<string>();
    const { records } = this.#parts.store;
    for await (const page of pagesOf((place) => records.list(INDEX, { limit: PAGE, ...place })))
      for (const { key } of page) hosts.add(key.slice(PREFIX.length));
    for (const host of hosts) this.#take(host);
    return hosts;
  }

  /** Notes that a client asked for a host without certificate. Returns at once. */
  asked(host: string): void {
    const rule = this.#parts.ruleFor(host);
    if (rule === undefined || host.length > LONGEST_HOST) return;
    const now = this.#parts.clock();
    const before = this.#asked.get(host);
    if (before !== undefined && now - before < ASK_AGAIN_MS) return;
    this.#asked.set(host, now);
    this.#admit(host, rule).catch((error: unknown) => {
      const { code, reason } = asGatewayError(error);
      this.#parts.logger.warn({ host, code, reason }, 'a certificate on demand has to wait');
    });
  }

  /** Keeps a host for good, as it has its certificate. @throws SP_STATE_UNREACHABLE */
  async proven(host: string): Promise<void> {
    await this.#write(host);
  }

  async #admit(host: string, rule: string): Promise<void> {
    const { records, counters } = this.#parts.store;
    if ((await records.get(PREFIX + host)) === undefined) {
      const { count } = await counters.increment(`acme-on-demand/${rule}`, HOUR_MS);
      if (count > NEW_PER_HOUR) {
        this.#parts.logger.warn(
          { host, rule, perHour: NEW_PER_HOUR },
          'too many hosts asked for a certificate',
        );
        return;
      }
      await this.#write(host, TRIAL_MS);
    }
    this.#take(host);
  }

  #take(host: string): void {
    const rule = canonicalHost(host) === host ? this.#parts.ruleFor(host) : undefined;
    if (rule !== undefined) this.#parts.onHost(host, rule);
  }

  async #write(host: string, ttlMs?: number): Promise<void> {
    const life = ttlMs === undefined ? {} : { ttlMs };
    await this.#parts.store.records.put(PREFIX + host, Buffer.from('{}'), { ...life, indexes: [INDEX] });
  }
}
