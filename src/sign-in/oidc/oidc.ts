/**
 * The relying party of OpenID Connect. Comes in: browsers on their way to and from a provider, and logout tokens.
 * Goes out: addresses, facts of who signed in, ended sessions. It knows no Fastify and makes no session itself.
 */
import type { OidcProviderConfig } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Sealer } from '../../lib/seal.ts';
import type { Session } from '../../sessions/session.ts';
import type { Store } from '../../state/store.ts';
import { backchannelLogout } from './backchannel-logout.ts';
import { type BeginOrder, type Begun, begin } from './begin.ts';
import { type Finished, type FinishOrder, finish } from './finish.ts';
import { FlowStore } from './flow-store.ts';
import { logoutUrl } from './logout-url.ts';
import type { ProviderSessions } from './provider-sessions.ts';
import { Providers } from './providers.ts';
import { Refresher } from './refresher.ts';

export interface OidcOptions {
  readonly configs: readonly OidcProviderConfig[];
  readonly sessions: ProviderSessions;
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The generation before: providers whose settings did not change move over. */
  readonly before?: Oidc | undefined;
  /** Longest wait for any answer of a provider, milliseconds. Default 5 s. */
  readonly timeoutMs?: number;
  /** First wait after a failed discovery, milliseconds. Default 1 s. */
  readonly retryMs?: number;
}

/** Sign-in with OpenID providers, for one generation of the configuration. */
export class Oidc {
  readonly #providers: Providers;
  readonly #parts: { readonly providers: Providers; readonly flows: FlowStore } & OidcOptions;
  /** Asks providers again about users with a session. */
  readonly refresher: Refresher;

  /** @throws the system's error when a CA file cannot be read */
  constructor(options: OidcOptions) {
    this.#providers = new Providers({ ...options, before: options.before?.providers });
    this.#parts = { ...options, providers: this.#providers, flows: new FlowStore(options) };
    this.refresher = new Refresher(this.#parts);
  }

  get providers(): Providers {
    return this.#providers;
  }

  /** See `begin.ts`. */
  begin(order: BeginOrder): Promise<Begun> {
    return begin(this.#parts, order);
  }

  /** See `finish.ts`. */
  finish(order: FinishOrder): Promise<Finished> {
    return finish(this.#parts, order);
  }

  /** Gives what the sign-in page offers, in written order. */
  list(): ReturnType<Providers['list']> {
    return this.#providers.list();
  }

  /** Gives where a session that is about to end ends at its provider, too; see `logout-url.ts`. @throws SP_STATE_UNREACHABLE */
  async endSession(session: Session, authority: string): Promise<string | undefined> {
    if (session.provider === undefined) return undefined;
    const tokens = await this.#parts.sessions.tokens(session.id);
    return logoutUrl(this.#providers, {
      provider: session.provider.name,
      idToken: tokens?.idToken,
      authority,
    });
  }

  /** See `backchannel-logout.ts`. */
  backchannelLogout(provider: string, form: URLSearchParams): Promise<number> {
    return backchannelLogout(this.#parts, provider, form);
  }

  /** Stops asking the providers that another generation does not go on using; safe to call twice. */
  close(successor?: Oidc): void {
    this.#providers.close(successor?.providers);
  }
}
