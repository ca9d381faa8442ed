import { createHash, randomBytes } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import { JsonFields } from '../lib/json-fields.ts';
import type { Records } from '../state/store.ts';

/** What a challenge was given out for. */
export interface Ceremony {
  readonly purpose: 'add' | 'sign-in' | 'step-up';
  /** Empty where a passkey is to say who it is. */
  readonly user: string;
  readonly rpId: string;
  /** What the new passkey will be called; empty otherwise. */
  readonly name: string;
}

const TTL_MS = 5 * 60 * 1000;
const BYTES = 32;

/** Challenges of WebAuthn ceremonies, in the state, so that another process may finish what one began. */
export class Challenges {
  readonly #records: Records;

  constructor(records: Records) {
    this.#records = records;
  }

  /** Gives a new challenge, base64url; it counts for five minutes. */
  async give(ceremony: Ceremony): Promise<string> {
    const challenge = randomBytes(BYTES).toString('base64url');
    const value = Buffer.from(JSON.stringify(ceremony));
    await this.#records.put(keyOf(challenge), value, { ttlMs: TTL_MS });
    return challenge;
  }

  /**
   * Gives what a challenge was given out for, once.
   *
   * Security: of two that come with the same challenge, only the one whose deletion succeeds gets it.
   */
  async take(challenge: string): Promise<Ceremony | undefined> {
    const stored = await this.#records.get(keyOf(challenge));
    if (stored === undefined || !(await this.#records.delete(stored.key))) return undefined;
    const fields = new JsonFields(stored.value, (why) => {
      return new GatewayError('SP_STATE_CORRUPT', { detail: `challenge: ${why}`, reason: 'garbage-record' });
    });
    const written = fields.text('purpose');
    const purpose = (['add', 'sign-in', 'step-up'] as const).find((known) => known === written);
    if (purpose === undefined) return undefined;
    return { purpose, user: fields.text('user'), rpId: fields.text('rpId'), name: fields.text('name') };
  }
}

function keyOf(challenge: string): string {
  return `webauthn:${createHash('sha256').update(challenge).digest('base64url')}`;
}
