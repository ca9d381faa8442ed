/**
 * Certificates of ACME servers. Comes in: configuration, and hosts that clients ask for. Goes out: pairs, to the keeper.
 */

import type { CertificateConfig } from '../../config/config.ts';
import { asGatewayError } from '../../errors.ts';
import { atMost } from '../../lib/at-most.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Sealer } from '../../lib/seal.ts';
import type { Store } from '../../state/store.ts';
import type { CertificatePair } from '../certificate.ts';
import type { PairUpload, RotationResult } from '../keeper.ts';
import { ChallengeBoard } from './challenge-board.ts';
import type { Kept } from './fill-order.ts';
import type { AcmeSource } from './issue.ts';
import { OnDemand } from './on-demand.ts';
import { type FailedOrder, Renewal, type RenewalParts } from './renewal.ts';

/** The keeper as the orders see it. */
export interface PairKeeper {
  pairOf(name: string): CertificatePair | undefined;
  rotate(name: string, upload: PairUpload, cause: 'acme'): Promise<RotationResult>;
  /** Calls back with a certificate's name after each change of what is served, until the returned function is called. */
  onChange(listener: (name: string) => void): () => void;
}

export interface AcmeParts {
  readonly configs: readonly CertificateConfig[];
  readonly keeper: PairKeeper;
  /** Whether a route serves a canonical host. */
  readonly hasRoute: (host: string) => boolean;
  readonly store: Store;
  readonly sealer: Sealer;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onOutcome: (outcome: 'ordered' | 'failed') => void;
  /** Between two looks at the hosts on demand; default a minute. */
  readonly reloadMs?: number;
  /** How long a directory may take for an order before the next one is asked; default 5 minutes. */
  readonly directoryMs?: number;
}

interface AcmeConfig {
  readonly name: string;
  readonly source: AcmeSource;
}

/** At the same directories: a CA that hangs keeps nobody from ordering elsewhere. */
const ORDERS_AT_ONCE = 4;
const RELOAD_MS = 60_000;

/** Keeps every certificate of kind `acme`, those on demand included, and answers the CA's challenges on every process. */
export class Acme {
  readonly board: ChallengeBoard;
  readonly #parts: AcmeParts;
  readonly #configs: readonly AcmeConfig[];
  readonly #hosts: ReadonlySet<string>;
  readonly #renewals = new Map<string, Renewal>();
  readonly #onDemand: OnDemand | undefined;
  readonly #renewal: Omit<RenewalParts, 'inTurn'>;
  readonly #turns = new Map<string, RenewalParts['inTurn']>();
  #reload: NodeJS.Timeout | undefined;
  #unlisten: (() => void) | undefined;
  #started = false;

  constructor(parts: AcmeParts) {
    const { store, sealer, clock, logger } = parts;
    this.#parts = parts;
    this.#configs = parts.configs.flatMap(({ name, source }) =>
      source.kind === 'acme' ? [{ name, source }] : [],
    );
    this.#hosts = new Set(this.#configs.flatMap(({ source }) => source.names));
    const mayAsk = (host: string): boolean => this.#hosts.has(host) || this.#ruleFor(host) !== undefined;
    this.board = new ChallengeBoard({ records: store.records, mayAsk, clock, logger });
    this.#renewal = {
      records: store.records,
      leases: store.leases,
      sealer,
      clock,
      logger,
      board: this.board,
      pairOf: (name) => parts.keeper.pairOf(name),
      serve: async (name, pair) => {
        const { fingerprint256 } = await parts.keeper.rotate(name, pair, 'acme');
        if (!this.#isConfigured(name)) await this.#onDemand?.proven(name);
        return fingerprint256;
      },
      onOutcome: parts.onOutcome,
      ...(parts.directoryMs === undefined ? {} : { directoryMs: parts.directoryMs }),
    };
    this.#onDemand = this.#configs.some(({ source }) => source.onDemand.length > 0)
      ? new OnDemand({
          store,
          clock,
          logger,
          ruleFor: (host) => this.#ruleFor(host),
          onHost: (host, rule) => this.#keepHost(host, rule),
        })
      : undefined;
  }

  /** Begins to order and renew; returns at once, and does nothing the second time. */
  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.#unlisten = this.#parts.keeper.onChange((name) => this.#renewals.get(name)?.changed());
    for (const { name, source } of this.#configs) this.#keep({ name, names: source.names, source });
    if (this.#onDemand === undefined) return;
    this.#loadHosts();
    this.#reload = setInterval(() => this.#loadHosts(), this.#parts.reloadMs ?? RELOAD_MS).unref();
  }

  /** Takes note of a canonical host that a client asked for and that no certificate covers. Returns at once. */
  uncovered(host: string): void {
    this.#onDemand?.asked(host);
  }

  /** Says for people what is wrong at the moment. */
  notes(): readonly string[] {
    return [...this.#renewals.values()].flatMap((renewal) => renewal.note() ?? []);
  }

  /**
   * Gives which certificates cannot be ordered at the moment.
   *
   * Security: a host on demand is left out until it has its certificate: a client chose the name.
   */
  failures(): readonly FailedOrder[] {
    const failed = [...this.#renewals.values()].flatMap((renewal) => renewal.failure() ?? []);
    return failed.filter(
      ({ name }) => this.#isConfigured(name) || this.#parts.keeper.pairOf(name) !== undefined,
    );
  }

  /** Gives up every order and stops answering from fresh reads. Safe to call twice. */
  close(): void {
    clearInterval(this.#reload);
    this.#unlisten?.();
    for (const renewal of this.#renewals.values()) renewal.stop();
    this.board.close();
  }

  #loadHosts(): void {
    this.#followHosts().catch((error: unknown) => {
      const { code, reason } = asGatewayError(error);
      this.#parts.logger.warn({ code, reason }, 'the hosts with certificates on demand cannot be read');
    });
  }

  /** Takes on what other processes did, and gives up what never got its certificate: each attempt counts at the CA. */
  async #followHosts(): Promise<void> {
    const before = [...this.#renewals.values()];
    const present = await this.#onDemand?.load();
    for (const renewal of before) {
      const { name } = renewal.kept;
      if (
        this.#isConfigured(name) ||
        present?.has(name) !== false ||
        this.#parts.keeper.pairOf(name) !== undefined
      )
        continue;
      renewal.stop();
      this.#renewals.delete(name);
    }
  }

  #isConfigured(name: string): boolean {
    return this.#configs.some((config) => config.name === name);
  }

  #ruleFor(host: string): string | undefined {
    const allows = ({ source }: AcmeConfig): boolean =>
      source.onDemand.some((suffix) => host.endsWith(`.${suffix}`));
    const rule = host.includes('*') ? undefined : this.#configs.find(allows);
    return rule !== undefined && this.#parts.hasRoute(host) ? rule.name : undefined;
  }

  #keepHost(host: string, rule: string): void {
    const config = this.#configs.find(({ name }) => name === rule);
    const taken = this.#hosts.has(host) || this.#parts.configs.some(({ name }) => name === host);
    if (config !== undefined && !taken) this.#keep({ name: host, names: [host], source: config.source });
  }

  #turnsAt(directories: readonly string[]): RenewalParts['inTurn'] {
    const key = directories.join(' ');
    const inTurn = this.#turns.get(key) ?? atMost(ORDERS_AT_ONCE);
    this.#turns.set(key, inTurn);
    return inTurn;
  }

  #keep(kept: Kept): void {
    if (this.#renewals.has(kept.name)) return;
    const renewal = new Renewal({ ...this.#renewal, inTurn: this.#turnsAt(kept.source.directories) }, kept);
    this.#renewals.set(kept.name, renewal);
    renewal.start();
  }
}
