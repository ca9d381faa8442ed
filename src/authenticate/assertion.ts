import { randomBytes } from 'node:crypto';
import type { Identity } from '../exchange.ts';
import { BoundedMap } from '../lib/bounded-map.ts';
import type { Clock } from '../lib/clock.ts';
import { OWN_ISSUER } from './own-tokens.ts';
import { type SigningKey, signCompact } from './signing-key.ts';

/** For whom and for what an assertion is made. */
export interface AssertionSubject {
  readonly identity: Identity;
  /** Who may believe it: the upstream's name, or what the route says. */
  readonly audience: string;
  readonly method: string;
  /** Canonical path, without the query. */
  readonly path: string;
}

interface Kept {
  readonly token: string;
  readonly freshUntilSec: number;
}

const LIFE_SEC = 60;
const KEPT_ENTRIES = 4096;

/**
 * Signs `X-Sallyport-Assertion`: a JWT by which an upstream can make sure that the gateway let this identity through.
 *
 * Bound: identity (`sub`, `groups`, `email`), audience (`aud`), method (`htm`), canonical path (`path`), and time (`iat`,
 * `exp`, 60 s). Not bound: query, body and connection. An assertion is used again for the same identity, audience,
 * method and path during the first half of its life, so that `jti` names an assertion and not a request; a signature
 * costs about 30 us, a repeated one a look-up. Keys are published as a JWK set by the gateway (type `assertion+jwt`).
 */
export class Assertions {
  readonly #signingKey: () => SigningKey | undefined;
  readonly #clock: Clock;
  readonly #kept = new BoundedMap<string, Kept>(KEPT_ENTRIES);
  /** An identity is one object as long as its credential is remembered, which makes its number a cheap key. */
  readonly #numbers = new WeakMap<Identity, number>();
  #lastNumber = 0;

  constructor(keys: { signingKey(): SigningKey | undefined }, clock: Clock) {
    this.#signingKey = () => keys.signingKey();
    this.#clock = clock;
  }

  /**
   * Gives the assertion, or `undefined` while the own keys are not loaded because the state has been away since the
   * start: the upstream then gets none, and refuses if it relies on it.
   */
  sign(subject: AssertionSubject): string | undefined {
    const nowSec = Math.floor(this.#clock() / 1000);
    // Neither a method nor a canonical path holds a space, so the parts cannot run into each other.
    const key = `${this.#numberOf(subject.identity)} ${subject.method} ${subject.path} ${subject.audience}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && nowSec < kept.freshUntilSec && nowSec >= kept.freshUntilSec - LIFE_SEC / 2) {
      return kept.token;
    }
    const signingKey = this.#signingKey();
    if (signingKey === undefined) return undefined;
    const token = signCompact(signingKey, 'assertion+jwt', claimsOf(subject, nowSec));
    this.#kept.set(key, { token, freshUntilSec: nowSec + LIFE_SEC / 2 });
    return token;
  }

  #numberOf(identity: Identity): number {
    const known = this.#numbers.get(identity);
    if (known !== undefined) return known;
    this.#numbers.set(identity, ++this.#lastNumber);
    return this.#lastNumber;
  }
}

function claimsOf({ identity, audience, method, path }: AssertionSubject, nowSec: number): object {
  return {
    iss: OWN_ISSUER,
    sub: identity.user,
    aud: audience,
    iat: nowSec,
    exp: nowSec + LIFE_SEC,
    jti: randomBytes(12).toString('base64url'),
    groups: identity.groups,
    email: identity.email,
    htm: method,
    path,
  };
}
