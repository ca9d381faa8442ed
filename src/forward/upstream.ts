import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import type { UpstreamConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { CoarseClock } from '../lib/coarse-clock.ts';
import { headerNames } from '../lib/header-name.ts';
import { Target } from './target.ts';

/** A named service and its targets, over which requests are spread. */
export class Upstream {
  readonly config: UpstreamConfig;
  readonly targets: readonly Target[];
  readonly #stopTicking: () => void;
  #turn = 0;
  #closing = false;

  /** @throws SP_CONFIG_INVALID when the CA file cannot be used */
  constructor(config: UpstreamConfig, clock: CoarseClock) {
    this.config = config;
    const shared = { secure: secureContext(config), clock, nameOf: headerNames(false) };
    this.targets = config.targets.map((target) => new Target(target, config, shared));
    this.#stopTicking = clock.onTick(() => {
      for (const target of this.targets) target.tick();
      if (this.#closing && this.targets.every((target) => target.unused)) this.#stopTicking();
    });
  }

  /**
   * Gives the next target in turn that is healthy and was not tried; when all rest, one that rests: an upstream is
   * never declared dead by its past.
   * @throws SP_FORWARD_NO_TARGET when every target was tried
   */
  pick(tried: readonly Target[]): Target {
    const { targets } = this;
    if (targets.length === 1 && targets[0] !== undefined) return targets[0];
    let fallback: Target | undefined;
    for (let i = 0; i < targets.length; i++) {
      const target = targets[this.#turn++ % targets.length];
      if (target === undefined || tried.includes(target)) continue;
      if (target.healthy) return target;
      fallback ??= target;
    }
    if (fallback === undefined) throw new GatewayError('SP_FORWARD_NO_TARGET', { reason: 'all-tried' });
    return fallback;
  }

  /** Tells whether a target is left that is not among these. */
  hasUntried(tried: readonly Target[]): boolean {
    return this.targets.some((target) => !tried.includes(target));
  }

  /** Lets running exchanges end, then ends their connections. */
  close(): void {
    this.#closing = true;
    for (const target of this.targets) target.close();
  }

  /** Ends every connection now. */
  destroy(): void {
    this.#stopTicking();
    for (const target of this.targets) target.destroy();
  }
}

function secureContext(config: UpstreamConfig): SecureContext | undefined {
  if (!config.targets.some((target) => target.protocol === 'https:')) return undefined;
  if (config.ca === undefined) return createSecureContext({ minVersion: 'TLSv1.2' });
  try {
    return createSecureContext({ ca: readFileSync(config.ca), minVersion: 'TLSv1.2' });
  } catch (error) {
    throw new GatewayError('SP_CONFIG_INVALID', {
      detail: `upstream ${config.name}: the CA file cannot be used`,
      problems: [`upstreams.${config.name}.ca: ${config.ca} cannot be read as PEM certificates`],
      cause: error,
    });
  }
}
