import { createHash } from 'node:crypto';
import type { AskedHost } from '../config/asked-hosts.ts';
import type { ClientCertificateConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Clock } from '../lib/clock.ts';
import { type ClientEntry, loadClientEntry } from './client-entry.ts';
import { momentsOf } from './client-outlook.ts';
import { canonicalName, wildcardOf } from './host-name.ts';

/** What a host wants to see of its clients: a certificate that one of several entries vouches for. */
export interface ClientDemand {
  /** Equal for equal entries, changes with everything that a verdict depends on; part of the TLS policy. */
  readonly id: string;
  /** Of the entries, the one that covers the host first. */
  readonly names: readonly string[];
  /** Whether a client without a good certificate gets no connection. */
  readonly required: boolean;
  /** PEM. */
  readonly ca: readonly string[];
  /** PEM; empty: revocation is not looked at. */
  readonly crl: readonly string[];
  /** Name of the entry that covers the host, which counts on routes that name none. */
  readonly covering: string | undefined;
  readonly entries: readonly ClientEntry[];
}

/**
 * The demands of one generation, by host.
 *
 * Security: OpenSSL judges in the handshake only. When an authority ends, or a revocation list is out of date, the demands
 * below it get other ids, as if the configuration had changed: no connection from before it is believed any longer.
 */
export class ClientDemands {
  readonly #clock: Clock;
  readonly #entries = new Map<string, ClientEntry>();
  /** Which entries each host asks for, by canonical host pattern. */
  readonly #asked = new Map<string, AskedHost>();
  /** By canonical host pattern; a pattern without a demand asks nobody, also where a broader one does. */
  readonly #byPattern = new Map<string, ClientDemand | undefined>();
  readonly #byId = new Map<string, ClientDemand>();
  #nextMs = Number.POSITIVE_INFINITY;
  #passed = 0;

  private constructor(clock: Clock) {
    this.#clock = clock;
  }

  /**
   * @param asked - which entries each host asks for, by host pattern
   * @throws SP_CONFIG_INVALID with every authority and revocation list that cannot be used
   */
  static async load(
    configs: readonly ClientCertificateConfig[],
    asked: ReadonlyMap<string, AskedHost>,
    clock: Clock,
  ): Promise<ClientDemands> {
    const demands = new ClientDemands(clock);
    const problems: string[] = [];
    for (const config of configs) {
      try {
        demands.#entries.set(config.name, await loadClientEntry(config));
      } catch (error) {
        const why = error instanceof Error ? error.message : 'unreadable';
        problems.push(`client certificates ${config.name}: ${why}`);
      }
    }
    if (problems.length > 0) {
      throw new GatewayError('SP_CONFIG_INVALID', {
        detail: problems.join('; '),
        reason: 'client-certificates',
        problems,
      });
    }
    for (const [pattern, host] of asked) demands.#asked.set(canonicalName(pattern) ?? pattern, host);
    demands.#build(clock());
    return demands;
  }

  /** How often authorities have ended, or lists have been out of date, since they were loaded. */
  get passed(): number {
    this.#keepUp();
    return this.#passed;
  }

  #keepUp(): void {
    const nowMs = this.#clock();
    if (nowMs < this.#nextMs) return;
    this.#passed++;
    this.#build(nowMs);
  }

  #build(nowMs: number): void {
    this.#byPattern.clear();
    this.#byId.clear();
    const moments = this.entries.flatMap(momentsOf);
    this.#nextMs = Math.min(...moments.filter((momentMs) => momentMs > nowMs), Number.POSITIVE_INFINITY);
    for (const [pattern, host] of this.#asked) this.#byPattern.set(pattern, this.#demandFor(host, nowMs));
  }

  #demandFor({ covering, named }: AskedHost, nowMs: number): ClientDemand | undefined {
    const names = new Set([...(covering === undefined ? [] : [covering]), ...named]);
    const entries = [...names].flatMap((name) => this.#entries.get(name) ?? []);
    if (entries.length === 0) return undefined;
    const demand = demandOf(covering, entries, nowMs);
    const known = this.#byId.get(demand.id);
    if (known === undefined) this.#byId.set(demand.id, demand);
    return known ?? demand;
  }

  /** Gives what a host wants, `undefined` when it asks nobody. @param host - in any spelling; `undefined`: none was named */
  of(host: string | undefined): ClientDemand | undefined {
    const known = this.#byPattern;
    if (known.size === 0) return undefined;
    this.#keepUp();
    const name = host === undefined ? undefined : canonicalName(host);
    if (name !== undefined) {
      if (known.has(name)) return known.get(name);
      const wildcard = wildcardOf(name);
      if (wildcard !== undefined && known.has(wildcard)) return known.get(wildcard);
    }
    return known.get('*');
  }

  /** Gives all entries, also those that no host asks for. */
  get entries(): readonly ClientEntry[] {
    return [...this.#entries.values()];
  }

  byId(id: string): ClientDemand | undefined {
    this.#keepUp();
    return this.#byId.get(id);
  }

  /**
   * Tells whether a route lets nobody through without a good certificate.
   *
   * @param names - entries that the route names; `undefined`: none
   * @param host - for which the route is asked, canonical
   */
  requires(names: readonly string[] | undefined, host: string): boolean {
    if (names === undefined) return this.of(host)?.required === true;
    return names.some((name) => this.#entries.get(name)?.config.mode === 'require');
  }

  /** Gives all demands with their hosts, sorted, as one text: equal for generations that want the same. */
  get ids(): string {
    return [...this.#byPattern]
      .map(([pattern, demand]) => `${pattern} ${demand?.id ?? '-'}`)
      .sort()
      .join('\n');
  }

  /** Whether no host asks. */
  get none(): boolean {
    return this.#byId.size === 0;
  }
}

function demandOf(
  covering: string | undefined,
  entries: readonly ClientEntry[],
  nowMs: number,
): ClientDemand {
  const first = entries.find(({ config }) => config.name === covering);
  const ids = entries.map((entry) =>
    [entry.id, momentsOf(entry).filter((atMs) => atMs <= nowMs).length].join(' '),
  );
  const id = createHash('sha256')
    .update(JSON.stringify([first?.id ?? null, ids.sort()]))
    .digest('base64url');
  return {
    id,
    names: entries.map(({ config }) => config.name),
    required: first?.config.mode === 'require',
    ca: [...new Set(entries.flatMap(({ ca }) => ca))],
    crl: [...new Set(entries.flatMap(({ crl }) => crl))],
    covering,
    entries,
  };
}
