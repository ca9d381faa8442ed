import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  Configuration,
  customFetch,
  discovery,
  None,
  type ServerMetadata,
} from 'openid-client';
import type { OidcProviderConfig } from '../../config/config.ts';
import type { GatewayError } from '../../errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { failureOf, providerFailure } from './provider-failure.ts';
import { makeProviderFetch } from './provider-fetch.ts';
import { ProviderKeys } from './provider-keys.ts';

/** A provider that was discovered: what a flow needs of it. */
export interface KnownProvider {
  /** The client library's view; its algorithms are asymmetric ones only. */
  readonly client: Configuration;
  readonly metadata: ServerMetadata;
  readonly keys: ProviderKeys;
  readonly algorithms: readonly string[];
}

export interface ProviderOptions {
  readonly config: OidcProviderConfig;
  /** PEM of the authorities that replace the system's. */
  readonly ca: string | undefined;
  readonly logger: Logger;
  /** Longest wait for any answer of the provider, milliseconds. Default 5 s. */
  readonly timeoutMs?: number;
  /** First wait after a failed discovery, milliseconds; doubles up to a minute. Default 1 s. */
  readonly retryMs?: number;
}

/** Security: `none` and HS* are not among them, so that neither nobody nor whoever knows the client secret can sign. */
const ASYMMETRIC = /^(RS|PS|ES)(256|384|512)$|^EdDSA$|^Ed25519$/;
const REDISCOVER_MS = 3_600_000;
const MAX_RETRY_MS = 60_000;

/**
 * One OpenID provider, discovered in the background from construction on (OpenID Connect Discovery §4).
 *
 * Nothing waits for it at the start. What was discovered stays while the provider is away.
 */
export class Provider {
  readonly config: OidcProviderConfig;
  readonly #options: ProviderOptions;
  readonly #timeoutMs: number;
  readonly #retryMs: number;
  #known: KnownProvider | undefined;
  #failure: GatewayError | undefined;
  #flight: Promise<void> | undefined;
  #failures = 0;
  #startedAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: ProviderOptions) {
    this.config = options.config;
    this.#options = options;
    this.#timeoutMs = options.timeoutMs ?? 5_000;
    this.#retryMs = options.retryMs ?? 1_000;
    void this.#discover();
  }

  /** What is known by now, without waiting. */
  get known(): KnownProvider | undefined {
    return this.#known;
  }

  /**
   * Gives the provider as discovered; waits only for the first discovery.
   * @throws SP_SIGN_IN_PROVIDER with the reason of the last failure
   */
  async ready(): Promise<KnownProvider> {
    if (this.#known !== undefined) return this.#known;
    const mayAsk = performance.now() - this.#startedAtMs >= this.#retryMs;
    if (this.#flight !== undefined || (mayAsk && !this.#closed)) await this.#discover();
    if (this.#known !== undefined) return this.#known;
    throw this.#failure ?? providerFailure(this.config.name, 'provider-unreachable', 'it is not known yet');
  }

  /** Stops asking; safe to call twice. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  /** Joins the discovery under way, or starts one. Never rejects. */
  #discover(): Promise<void> {
    this.#flight ??= this.#discoverOnce().finally(() => {
      this.#flight = undefined;
      this.#scheduleNext();
    });
    return this.#flight;
  }

  async #discoverOnce(): Promise<void> {
    clearTimeout(this.#timer);
    this.#startedAtMs = performance.now();
    const { name } = this.config;
    try {
      const before = this.#known;
      const known = await this.#fetchKnown(before);
      this.#known = known;
      this.#failures = 0;
      this.#failure = undefined;
      if (before === undefined) {
        this.#options.logger.info({ provider: name }, 'a provider was discovered');
        await known.keys.warm();
      }
    } catch (thrown) {
      this.#failures++;
      this.#failure = failureOf(thrown, name);
      if (this.#closed) return;
      const { reason, detail } = this.#failure;
      const kept = this.#known !== undefined;
      this.#options.logger.warn(
        { provider: name, reason, detail, kept },
        'a provider could not be discovered',
      );
    }
  }

  async #fetchKnown(before: KnownProvider | undefined): Promise<KnownProvider> {
    const { config, ca, logger } = this.#options;
    const { name } = config;
    const fetch = makeProviderFetch({ provider: name, ca, timeoutMs: this.#timeoutMs });
    const insecure = config.issuer.startsWith('http:') ? [allowInsecureRequests] : [];
    const found = await discovery(new URL(config.issuer), config.clientId, undefined, None(), {
      [customFetch]: fetch,
      execute: insecure,
    });
    const metadata = checkedMetadata(found.serverMetadata(), config);
    const client = new Configuration(
      metadata,
      config.clientId,
      undefined,
      clientAuthentication(metadata, config),
    );
    client[customFetch] = fetch;
    for (const allow of insecure) allow(client);
    const url = metadata.jwks_uri ?? '';
    const sameKeys = before?.metadata.jwks_uri === url;
    const keys = sameKeys ? before.keys : new ProviderKeys({ provider: name, url, fetch, logger });
    return { client, metadata, keys, algorithms: metadata.id_token_signing_alg_values_supported ?? [] };
  }

  #scheduleNext(): void {
    if (this.#closed) return;
    const retryMs = Math.min(this.#retryMs * 2 ** Math.min(this.#failures - 1, 16), MAX_RETRY_MS);
    this.#timer = setTimeout(() => void this.#discover(), this.#failures > 0 ? retryMs : REDISCOVER_MS);
    this.#timer.unref();
  }
}

function checkedMetadata(found: ServerMetadata, { name, issuer }: OidcProviderConfig): ServerMetadata {
  // The client library makes exceptions for some providers, which would let in any tenant of theirs.
  if (found.issuer.replace(/\/$/, '') !== issuer.replace(/\/$/, '')) {
    throw providerFailure(name, 'provider-other-issuer', 'its metadata are those of another issuer');
  }
  for (const endpoint of ['authorization_endpoint', 'token_endpoint', 'jwks_uri'] as const) {
    if (!isWebUrl(found[endpoint]))
      throw providerFailure(name, 'provider-garbage', `its metadata have no ${endpoint}`);
  }
  const offered: unknown = found.id_token_signing_alg_values_supported ?? ['RS256'];
  const algorithms = Array.isArray(offered)
    ? offered.filter((alg): alg is string => typeof alg === 'string' && ASYMMETRIC.test(alg))
    : [];
  if (algorithms.length === 0)
    throw providerFailure(name, 'provider-garbage', 'it signs with no algorithm that is accepted');
  return { ...plain(found), id_token_signing_alg_values_supported: algorithms };
}

/** Gives the metadata without the client library's functions, which cannot be cloned. */
function plain(metadata: ServerMetadata): ServerMetadata {
  const { supportsPKCE: _, ...rest } = { supportsPKCE: undefined, ...metadata };
  return rest;
}

function isWebUrl(value: unknown): boolean {
  const url = typeof value === 'string' ? URL.parse(value) : null;
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:');
}

function clientAuthentication(
  { token_endpoint_auth_methods_supported: offered }: ServerMetadata,
  { clientSecret }: OidcProviderConfig,
): ReturnType<typeof None> {
  if (clientSecret === undefined) return None();
  // Basic is the default of OpenID Connect Core §9 and of the registries.
  const basic = offered === undefined || offered.includes('client_secret_basic');
  return basic ? ClientSecretBasic(clientSecret.reveal()) : ClientSecretPost(clientSecret.reveal());
}
