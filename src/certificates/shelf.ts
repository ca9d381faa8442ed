import type { SecureContext, TLSSocket } from 'node:tls';
import type { TlsPreset } from '../config/config.ts';
import type { CertificatePair } from './certificate.ts';
import { ContextCache, makeContext, type Vouchers } from './context-cache.ts';
import { canonicalName, wildcardOf } from './host-name.ts';
import { type Problem, problem } from './problem.ts';
import { tlsOptions } from './tls-options.ts';

/** A pair as it is served. */
export interface Shelved {
  readonly name: string;
  readonly pair: CertificatePair;
  readonly source: 'dev' | 'files' | 'acme' | 'uploaded';
  readonly preset: TlsPreset;
}

/** What a handshake needs for a server name. */
export interface Found {
  /** Gives the context for a server's own, with every pair; made on first use. @throws Error when OpenSSL refuses the pairs, which it did not when they were checked */
  context(): SecureContext;
  /**
   * Gives the context to answer an `SNICallback` with; `socket` is the callback's `this`. Node takes only one pair out of
   * such a context, so the ECDSA or the RSA one is chosen here, by the signatures that the client can check.
   *
   * @param vouchers - authorities of the clients that are asked for a certificate
   * @throws Error as `context()`: catch it, an `SNICallback` that throws ends the process
   */
  contextFor(socket: Pick<TLSSocket, 'getSharedSigalgs'>, vouchers?: Vouchers): SecureContext;
  /** Gives the name of the certificate whose pair `contextFor` gives the same handshake. */
  certificateFor(socket: Pick<TLSSocket, 'getSharedSigalgs'>): string;
  /** Names of the certificates in the context: one, or an ECDSA and an RSA one. */
  readonly certificates: readonly string[];
  /** Equal ids: a request for one host may travel on a connection made for the other. */
  readonly policyId: string;
  /** Security: the `SNICallback` must compare it with its socket's `getProtocol()`, see `tlsOptions`. */
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3';
}

/** All that serves one name of a certificate. */
interface Slot {
  readonly entries: readonly Shelved[];
  readonly found: Found;
}

/** Gives the signature that a key of a curve makes, as OpenSSL names it (RFC 8446 §4.2.3). */
function signatureOf(pair: CertificatePair): string {
  if (pair.keyLabel === 'ECDSA P-384') return 'ECDSA+SHA384';
  return pair.keyLabel === 'ECDSA P-521' ? 'ECDSA+SHA512' : 'ECDSA+SHA256';
}

/**
 * Server name -> pairs -> context. Comes in: checked pairs under their certificate's name. Goes out: what serves a host.
 *
 * The most specific name wins: exact, then the one-label wildcard. Two map look-ups, however many certificates there are.
 */
export class Shelf {
  readonly #entries = new Map<string, Shelved>();
  readonly #slots = new Map<string, Slot>();
  readonly #contexts: ContextCache;

  /** @param contexts - most contexts kept ready */
  constructor(contexts: number) {
    this.#contexts = new ContextCache(contexts);
  }

  /** Gives what stands in the way of a pair: a name that another certificate serves with the same type of key or under another preset. */
  conflicts(entry: Pick<Shelved, 'name' | 'pair' | 'preset'>): readonly Problem[] {
    const problems: Problem[] = [];
    for (const name of entry.pair.names) {
      for (const other of this.#slots.get(name)?.entries ?? []) {
        if (other.name === entry.name) continue;
        if (other.preset !== entry.preset) {
          problems.push(
            problem(
              'preset-conflict',
              `${name} is also served by the certificate ${other.name} under the TLS preset ${other.preset}, not ${entry.preset}.`,
            ),
          );
        } else if (other.pair.keyType === entry.pair.keyType && other.pair.id !== entry.pair.id) {
          problems.push(
            problem(
              'name-taken',
              `${name} is already served by the certificate ${other.name} with a key of the same type: which one is meant cannot be told.`,
            ),
          );
        }
      }
    }
    return problems;
  }

  /** Serves a pair from now on, in place of the one that had its certificate's name. */
  put(entry: Shelved): void {
    const before = this.#entries.get(entry.name);
    this.#entries.set(entry.name, entry);
    for (const name of entry.pair.names) this.#place(name, entry.name, entry);
    for (const name of before?.pair.names ?? []) {
      if (!entry.pair.names.includes(name)) this.#place(name, entry.name, undefined);
    }
  }

  remove(name: string): void {
    const before = this.#entries.get(name);
    this.#entries.delete(name);
    for (const served of before?.pair.names ?? []) this.#place(served, name, undefined);
  }

  get(name: string): Shelved | undefined {
    return this.#entries.get(name);
  }

  /** Gives every entry, ordered by name. */
  all(): readonly Shelved[] {
    return [...this.#entries.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** Gives what serves a host in any spelling, `undefined` when nothing does. */
  find(host: string): Found | undefined {
    const name = canonicalName(host);
    if (name === undefined) return undefined;
    const exact = this.#slots.get(name);
    if (exact !== undefined) return exact.found;
    const wildcard = wildcardOf(name);
    return wildcard === undefined ? undefined : this.#slots.get(wildcard)?.found;
  }

  /** Whether a host is served by another certificate than this one, too. @param host - as routes write it */
  hasOther(host: string, than: string): boolean {
    const name = canonicalName(host) ?? host;
    const wildcard = wildcardOf(name);
    const slots = [this.#slots.get(name), wildcard === undefined ? undefined : this.#slots.get(wildcard)];
    return slots.some((slot) => slot?.entries.some((entry) => entry.name !== than));
  }

  /** Gives the name under which a pair is served already, if that is another one. */
  twinOf({ name, pair }: Pick<Shelved, 'name' | 'pair'>): string | undefined {
    const [host = ''] = pair.names;
    return this.#slots.get(host)?.entries.find((other) => other.name !== name && other.pair.id === pair.id)
      ?.name;
  }

  /** Gives one certificate as if it were alone, e.g. for clients that name no host. */
  alone(name: string): Found | undefined {
    const entry = this.#entries.get(name);
    return entry === undefined ? undefined : this.#foundOf(entry, [entry]);
  }

  /** Gives a pair that need not be on the shelf as if it were alone, to try it. */
  preview(entry: Shelved): Found {
    return this.#foundOf(entry, [entry]);
  }

  /** Makes the context of a pair before it is served, so that a refusal of OpenSSL is seen in time. @throws Error */
  warm(pair: CertificatePair, preset: TlsPreset): void {
    this.#one(pair, preset);
  }

  /** How many contexts are ready. */
  get contexts(): number {
    return this.#contexts.size;
  }

  #one(pair: CertificatePair, preset: TlsPreset, vouchers?: Vouchers): SecureContext {
    const key = `${preset} ${pair.id}${vouchers === undefined ? '' : ` ${vouchers.id}`}`;
    return this.#contexts.get(key, () => makeContext([pair], preset, vouchers));
  }

  #place(name: string, certificate: string, entry: Shelved | undefined): void {
    const others = (this.#slots.get(name)?.entries ?? []).filter((other) => other.name !== certificate);
    const entries = entry === undefined ? others : [...others, entry];
    const [first] = entries;
    if (first === undefined) this.#slots.delete(name);
    else this.#slots.set(name, { entries, found: this.#foundOf(first, entries) });
  }

  #foundOf(first: Shelved, entries: readonly Shelved[]): Found {
    const { preset } = first;
    // Of identical pairs under two names one is enough; ECDSA first, as it is cheaper to sign with.
    const ecdsa = entries.find((entry) => entry.pair.keyType === 'ecdsa');
    const rsa = entries.find((entry) => entry.pair.keyType === 'rsa');
    const main = ecdsa ?? first;
    const beside = ecdsa === undefined ? undefined : rsa;
    const chosen = beside === undefined ? [main] : [main, beside];
    const pairs = chosen.map(({ pair }) => pair);
    const key = `${preset} ${pairs.map(({ id }) => id).join(' ')}`;
    const choose = (socket: Pick<TLSSocket, 'getSharedSigalgs'>): Shelved =>
      beside === undefined || socket.getSharedSigalgs().includes(signatureOf(main.pair)) ? main : beside;
    return {
      context: () => this.#contexts.get(key, () => makeContext(pairs, preset)),
      contextFor: (socket, vouchers) => this.#one(choose(socket).pair, preset, vouchers),
      certificateFor: (socket) => choose(socket).name,
      certificates: chosen.map(({ name }) => name),
      policyId: preset,
      minVersion: tlsOptions(preset).minVersion,
    };
  }
}
