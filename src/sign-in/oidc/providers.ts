import { readFileSync } from 'node:fs';
import type { OidcProviderConfig } from '../../config/config.ts';
import { GatewayError } from '../../errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { sameSettings } from '../../lib/same-settings.ts';
import { Provider } from './provider.ts';

export interface ProvidersOptions {
  readonly configs: readonly OidcProviderConfig[];
  readonly logger: Logger;
  /** Whose providers move over where their settings did not change. */
  readonly before?: Providers | undefined;
  readonly timeoutMs?: number;
  readonly retryMs?: number;
}

interface Entry {
  readonly provider: Provider;
  readonly ca: string | undefined;
}

/** The OpenID providers of one generation of the configuration, by name, in written order. */
export class Providers {
  readonly #entries = new Map<string, Entry>();

  /** @throws the system's error when a CA file cannot be read; what was started by then is closed */
  constructor({ configs, before, ...options }: ProvidersOptions) {
    try {
      for (const config of configs) {
        const ca = config.ca === undefined ? undefined : readFileSync(config.ca, 'utf8');
        const kept = before === undefined ? undefined : before.#entries.get(config.name);
        const isSame = kept !== undefined && kept.ca === ca && sameSettings(kept.provider.config, config);
        const provider = isSame ? kept.provider : new Provider({ config, ca, ...options });
        this.#entries.set(config.name, { provider, ca });
      }
    } catch (error) {
      this.close(before);
      throw error;
    }
  }

  /** Gives the provider of a name. @throws SP_SIGN_IN_NOT_FOUND `provider-unknown` */
  get(name: string): Provider {
    const entry = this.#entries.get(name);
    // The name may come from a URL that anybody can write: it is not repeated.
    if (entry === undefined) throw new GatewayError('SP_SIGN_IN_NOT_FOUND', { reason: 'provider-unknown' });
    return entry.provider;
  }

  /** Gives what the sign-in page offers. */
  list(): readonly { readonly name: string; readonly displayName: string }[] {
    return [...this.#entries.values()].map(({ provider: { config } }) => ({
      name: config.name,
      displayName: config.displayName,
    }));
  }

  /** Stops what another generation does not go on using; safe to call twice. */
  close(successor?: Providers): void {
    for (const [name, { provider }] of this.#entries) {
      const kept = successor === undefined ? undefined : successor.#entries.get(name);
      if (kept?.provider !== provider) provider.close();
    }
  }
}
