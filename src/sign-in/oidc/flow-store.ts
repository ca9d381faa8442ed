import { createHash } from 'node:crypto';
import { GatewayError } from '../../errors.ts';
import type { Clock } from '../../lib/clock.ts';
import { JsonFields } from '../../lib/json-fields.ts';
import { SEALED_INDEX, type Sealer } from '../../lib/seal.ts';
import type { Store } from '../../state/store.ts';

/** One sign-in under way: what the gateway must remember between the two redirects. */
export interface Flow {
  readonly provider: string;
  /** Host with port under which the browser began, and to which it must come back. */
  readonly authority: string;
  readonly returnTo: string;
  /** Public id of the session that is stepped up; `undefined` for a sign-in. */
  readonly sessionId: string | undefined;
  /** The provider's name of whoever has that session. */
  readonly subject: string | undefined;
  readonly nonce: string;
  readonly codeVerifier: string;
  /** SHA-256 of the value of the flow's cookie, base64url. */
  readonly browserHash: string;
  readonly startedAtMs: number;
  /** Whether its callback was answered already. */
  readonly used: boolean;
}

/** A flow as found, with the version that taking it is conditional on. */
export interface FoundFlow {
  readonly flow: Flow;
  readonly version: number;
}

/** Longest time between leaving for the provider and coming back, milliseconds. */
export const FLOW_MS = 15 * 60_000;

/**
 * The flows under way, sealed in the state, so that any process of the fleet can take the callback.
 *
 * Every method throws SP_STATE_UNREACHABLE while the state is away.
 */
export class FlowStore {
  readonly #store: Store;
  readonly #sealer: Sealer;
  readonly #clock: Clock;

  constructor({ store, sealer, clock }: { store: Store; sealer: Sealer; clock: Clock }) {
    this.#store = store;
    this.#sealer = sealer;
    this.#clock = clock;
  }

  /** Remembers a flow under its state. */
  async save(state: string, flow: Flow): Promise<void> {
    await this.#put(state, flow, FLOW_MS, { ifAbsent: true });
  }

  /** Gives the flow of a state; `undefined` when there is none, or no longer. */
  async find(state: string): Promise<FoundFlow | undefined> {
    const key = keyOf(state);
    const stored = await this.#store.records.get(key);
    if (stored === undefined) return undefined;
    const flow = decode(this.#sealer.open(stored.value, key));
    // The store's own expiry only clears up.
    if (this.#clock() >= flow.startedAtMs + FLOW_MS) return undefined;
    return { flow, version: stored.version };
  }

  /**
   * Marks a flow as used; its secrets are forgotten.
   * @returns false when somebody else did so before
   */
  async take(state: string, { flow, version }: FoundFlow): Promise<boolean> {
    if (flow.used) return false;
    const leftMs = Math.max(1, flow.startedAtMs + FLOW_MS - this.#clock());
    const spent: Flow = { ...flow, nonce: '', codeVerifier: '', used: true };
    return this.#put(state, spent, leftMs, { ifVersion: version });
  }

  async #put(
    state: string,
    flow: Flow,
    ttlMs: number,
    condition: { ifAbsent: true } | { ifVersion: number },
  ): Promise<boolean> {
    const key = keyOf(state);
    const sealed = this.#sealer.seal(Buffer.from(JSON.stringify(flow)), key);
    return (
      (await this.#store.records.put(key, sealed, { ttlMs, ...condition, indexes: [SEALED_INDEX] })) !==
      undefined
    );
  }
}

function decode(bytes: Uint8Array): Flow {
  const fields = new JsonFields(
    bytes,
    (why) =>
      new GatewayError('SP_STATE_CORRUPT', { detail: `sign-in flow: ${why}`, reason: 'garbage-record' }),
  );
  return {
    provider: fields.text('provider'),
    authority: fields.text('authority'),
    returnTo: fields.text('returnTo'),
    sessionId: fields.optionalText('sessionId'),
    subject: fields.optionalText('subject'),
    nonce: fields.text('nonce'),
    codeVerifier: fields.text('codeVerifier'),
    browserHash: fields.text('browserHash'),
    startedAtMs: fields.count('startedAtMs'),
    used: fields.flag('used'),
  };
}

/** The state itself is not kept: who reads the database cannot finish a flow. */
function keyOf(state: string): string {
  return `oidc-flow:${createHash('sha256').update(state).digest('base64url')}`;
}
