import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { asGatewayError, type GatewayError } from '../../errors.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Store } from '../../state/store.ts';
import type { FlowReason } from './flow-failure.ts';
import { HeldLease } from './held-lease.ts';
import type { ProviderSessions } from './provider-sessions.ts';
import type { Providers } from './providers.ts';
import { type ProvidedSession, redeemRefresh } from './redeem-refresh.ts';

/**
 * `fresh`: nobody had to be asked. `renewed`: the provider vouches for the user, maybe with other groups. `ended`: it
 * does not, and the session is over. `unavailable`: it could not be asked; the session goes on.
 */
export type RefreshOutcome = 'fresh' | 'renewed' | 'ended' | 'unavailable';

/** A refresh under way. */
interface Flight {
  readonly outcome: Promise<RefreshOutcome>;
  /** Whether the session was due for so long that nobody goes on before the outcome. */
  readonly holdsUp: boolean;
}

export interface RefresherOptions {
  readonly providers: Providers;
  readonly sessions: ProviderSessions;
  readonly store: Store;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Longest wait for another process that asks the provider about the same session. */
const WAIT_MS = 10_000;
const POLL_MS = 100;
/** A session that was due for longer than this is asked about before it goes on. */
const LONG_DUE_MS = 300_000;
const LONGEST_LOOK_MS = 300_000;
/** Least time between two looks at a session whose provider could not be asked. */
const RETRY_MS = 30_000;
const REMEMBERED = 50_000;

/** What ends a session: the provider, having been asked, does not vouch for the user as before. */
const ENDING: ReadonlySet<string | undefined> = new Set<FlowReason>([
  'code-refused',
  'other-user',
  'wrong-subject',
  'no-user',
  'email-unverified',
  'email-domain',
]);

/**
 * Asks providers again about users with a session, with refresh tokens, one flight per session over the whole fleet.
 *
 * A refresh token that rotates is worth something once: whoever wants a refresh joins the flight of this process, and
 * processes wait for each other by a lease, reading again what the other wrote before they would redeem anything.
 */
export class Refresher {
  readonly #options: RefresherOptions;
  readonly #flights = new Map<string, Flight>();
  readonly #nextLookMs = new BoundedMap<string, number>(REMEMBERED);

  constructor(options: RefresherOptions) {
    this.#options = options;
  }

  /** Notes that a session is used; what is due is done in the background. For the hot path, and for sessions of any kind. */
  used(id: string): void {
    const nowMs = this.#options.clock();
    if (nowMs < (this.#nextLookMs.get(id) ?? 0)) return;
    this.#nextLookMs.set(id, nowMs + RETRY_MS);
    this.#look(id, false).catch((thrown: unknown) => this.#note(asGatewayError(thrown), undefined));
  }

  /**
   * Looks whether a session is due. One that has been so for long is refreshed before this resolves: its user may have
   * been locked out at the provider while nobody looked.
   * @throws SP_STATE_UNREACHABLE
   */
  async check(id: string): Promise<RefreshOutcome> {
    const flight = this.#flights.get(id);
    if (flight?.holdsUp === true) return flight.outcome;
    if (this.#options.clock() < (this.#nextLookMs.get(id) ?? 0)) return 'fresh';
    return this.#look(id, true);
  }

  /** Asks the provider about a session now. @throws SP_STATE_UNREACHABLE */
  async refresh(id: string): Promise<RefreshOutcome> {
    const before = await this.#read(id);
    return before === undefined ? 'ended' : this.#join(before, false).outcome;
  }

  async #look(id: string, waits: boolean): Promise<RefreshOutcome> {
    const { clock } = this.#options;
    const before = await this.#read(id);
    const { refreshToken, expiresAtSec } = before?.tokens ?? {};
    if (before === undefined || refreshToken === undefined || expiresAtSec === undefined) {
      this.#nextLookMs.set(id, clock() + LONGEST_LOOK_MS);
      return 'fresh';
    }
    const dueMs = expiresAtSec * 1000;
    const isDue = clock() >= dueMs;
    this.#nextLookMs.set(id, isDue ? clock() + RETRY_MS : dueMs);
    if (!isDue) return 'fresh';
    const { outcome, holdsUp } = this.#join(before, clock() >= dueMs + LONG_DUE_MS);
    if (waits && holdsUp) return outcome;
    outcome.catch((thrown: unknown) => this.#note(asGatewayError(thrown), before));
    return 'fresh';
  }

  /** @param before - as read when the refresh was found due: whatever was written since makes it needless */
  #join(before: ProvidedSession, holdsUp: boolean): Flight {
    const { id } = before.session;
    const joined = this.#flights.get(id);
    if (joined !== undefined) return joined;
    const outcome = this.#refreshAlone(before).finally(() => this.#flights.delete(id));
    const flight: Flight = { outcome, holdsUp };
    this.#flights.set(id, flight);
    return flight;
  }

  async #refreshAlone(before: ProvidedSession): Promise<RefreshOutcome> {
    const { id } = before.session;
    const holder = randomUUID();
    const end = performance.now() + WAIT_MS;
    for (;;) {
      const lease = await HeldLease.acquire(this.#options.store.leases, `oidc-refresh:${id}`, holder);
      if (lease !== undefined) {
        try {
          const now = await this.#read(id);
          if (now === undefined) return 'ended';
          return isRenewed(now, before) ? 'renewed' : await this.#redeem(now);
        } finally {
          await lease.release();
        }
      }
      if (performance.now() > end) return 'unavailable';
      await sleep(POLL_MS);
    }
  }

  async #redeem(provided: ProvidedSession): Promise<RefreshOutcome> {
    const { providers, sessions, clock } = this.#options;
    const { id, provider: by } = provided.session;
    try {
      const provider = providers.get(by?.name ?? '');
      const known = await provider.ready();
      const { config } = provider;
      const goesOn = await redeemRefresh({ known, config, sessions, clock }, provided);
      if (goesOn) this.#nextLookMs.set(id, clock() + Math.min(config.refreshMs, LONGEST_LOOK_MS));
      return goesOn ? 'renewed' : 'ended';
    } catch (thrown) {
      const failure = asGatewayError(thrown);
      if (failure.code === 'SP_STATE_UNREACHABLE') throw failure;
      this.#note(failure, provided);
      if (failure.code !== 'SP_SIGN_IN_FLOW' || !ENDING.has(failure.reason)) return 'unavailable';
      await sessions.revoke(id);
      return 'ended';
    }
  }

  /** Gives a session that a provider made, with its tokens. */
  async #read(id: string): Promise<ProvidedSession | undefined> {
    const { sessions } = this.#options;
    const session = await sessions.live(id);
    if (session?.provider === undefined) return undefined;
    const tokens = await sessions.tokens(id);
    return {
      session,
      tokens: tokens ?? { idToken: undefined, refreshToken: undefined, expiresAtSec: undefined },
    };
  }

  #note({ code, reason, detail }: GatewayError, about: ProvidedSession | undefined): void {
    const { id: session, user } = about?.session ?? {};
    const facts = { code, reason, detail, session, user };
    this.#options.logger.warn(facts, 'a provider did not vouch again for a session');
  }
}

function isRenewed({ tokens: now }: ProvidedSession, { tokens: before }: ProvidedSession): boolean {
  return now.refreshToken !== before.refreshToken || now.expiresAtSec !== before.expiresAtSec;
}
