import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type JWTPayload,
  type JWTVerifyOptions,
  jwtVerify,
} from 'jose';
import type { CustomFetch } from 'openid-client';
import type { GatewayError } from '../../errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { failureOf, providerFailure } from './provider-failure.ts';

export interface ProviderKeysOptions {
  readonly provider: string;
  readonly url: string;
  readonly fetch: CustomFetch;
  readonly logger: Logger;
  /** Least time between two fetches whatever came of the first, milliseconds; a tenth of it before there are any keys. Default 10 s. */
  readonly coolDownMs?: number;
  /** Age after which the keys are fetched anew in the background, milliseconds. Default 10 minutes. */
  readonly refreshMs?: number;
}

type Keys = ReturnType<typeof createLocalJWKSet>;

/**
 * The keys of a provider (RFC 7517 §5), with which its ID tokens and logout tokens are verified.
 *
 * Old keys stay while the provider is down; a token that names an unknown key causes at most one fetch per cool-down.
 */
export class ProviderKeys {
  readonly #options: ProviderKeysOptions;
  readonly #coolDownMs: number;
  readonly #refreshMs: number;
  #keys: Keys | undefined;
  #fetchedAtMs = Number.NEGATIVE_INFINITY;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #flight: Promise<void> | undefined;

  constructor(options: ProviderKeysOptions) {
    this.#options = options;
    this.#coolDownMs = options.coolDownMs ?? 10_000;
    this.#refreshMs = options.refreshMs ?? 600_000;
  }

  /** Fetches the keys ahead of their first use. Never rejects. */
  async warm(): Promise<void> {
    if (this.#mayFetch()) await this.#fetch().catch(() => {});
  }

  /**
   * Gives the claims of a token whose signature and claims are right.
   *
   * @throws SP_SIGN_IN_PROVIDER `provider-keys` while there are no keys to verify with; jose's errors for a token that is not right
   *
   * Security: `algorithms` must name asymmetric ones only.
   */
  async verify(token: string, options: JWTVerifyOptions & { algorithms: string[] }): Promise<JWTPayload> {
    if (performance.now() - this.#fetchedAtMs > this.#refreshMs && this.#mayFetch()) {
      const fetched = this.#fetch();
      if (this.#keys === undefined) await fetched;
      else fetched.catch(() => {});
    }
    const resolve = (header: JWSHeaderParameters, input: FlattenedJWSInput) => this.#find(header, input);
    return (await jwtVerify(token, resolve, options)).payload;
  }

  async #find(header: JWSHeaderParameters, token: FlattenedJWSInput): ReturnType<Keys> {
    const before = this.#keys;
    if (before !== undefined) {
      try {
        return await before(header, token);
      } catch (error) {
        if (!(error instanceof errors.JWKSNoMatchingKey) || !this.#mayWait()) throw error;
      }
    }
    if (this.#mayWait()) await this.#fetch();
    if (this.#keys === undefined) throw this.#failure('they could not be fetched yet');
    return this.#keys(header, token);
  }

  #mayFetch(): boolean {
    const coolDownMs = this.#keys === undefined ? this.#coolDownMs / 10 : this.#coolDownMs;
    return performance.now() - this.#startedAtMs >= coolDownMs;
  }

  #mayWait(): boolean {
    return this.#flight !== undefined || this.#mayFetch();
  }

  #fetch(): Promise<void> {
    this.#flight ??= this.#fetchOnce().finally(() => {
      this.#flight = undefined;
    });
    return this.#flight;
  }

  async #fetchOnce(): Promise<void> {
    const { url, fetch, logger, provider } = this.#options;
    this.#startedAtMs = performance.now();
    try {
      const headers = { accept: 'application/json, application/jwk-set+json' };
      const answer = await fetch(url, { method: 'GET', headers, body: undefined, redirect: 'manual' });
      if (answer.status !== 200) throw this.#failure(`the answer has status ${answer.status}`);
      this.#keys = createLocalJWKSet(parseKeySet(await answer.text()));
      this.#fetchedAtMs = performance.now();
    } catch (error) {
      const failure =
        error instanceof errors.JOSEError ? this.#failure('they are malformed') : failureOf(error, provider);
      const { reason, detail } = failure;
      logger.warn(
        { provider, reason, detail, kept: this.#keys !== undefined },
        'the keys of a provider could not be fetched',
      );
      if (this.#keys === undefined) throw this.#failure(detail ?? failure.title);
    }
  }

  #failure(why: string): GatewayError {
    return providerFailure(this.#options.provider, 'provider-keys', `its keys: ${why}`);
  }
}

function parseKeySet(text: string): JSONWebKeySet {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new errors.JWKSInvalid('not JSON');
  }
  if (!isKeySet(value)) throw new errors.JWKSInvalid('no key set');
  return value;
}

function isKeySet(value: unknown): value is JSONWebKeySet {
  return (
    typeof value === 'object' &&
    value !== null &&
    'keys' in value &&
    Array.isArray(value.keys) &&
    value.keys.every((key) => typeof key === 'object' && key !== null && 'kty' in key)
  );
}
