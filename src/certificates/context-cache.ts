import { createSecureContext, type SecureContext } from 'node:tls';
import type { TlsPreset } from '../config/config.ts';
import type { CertificatePair } from './certificate.ts';
import type { ClientDemand } from './client-demands.ts';
import { tlsOptions } from './tls-options.ts';

/** Who may vouch for clients. */
export type Vouchers = Pick<ClientDemand, 'id' | 'ca' | 'crl'>;

/**
 * Makes a context that serves one pair, or an ECDSA and an RSA pair of the same names. @throws Error when OpenSSL refuses them
 *
 * @param vouchers - authorities of clients; without them OpenSSL would take the word of every public one
 */
export function makeContext(
  pairs: readonly CertificatePair[],
  preset: TlsPreset,
  vouchers?: Vouchers,
): SecureContext {
  return createSecureContext({
    ...tlsOptions(preset),
    cert: pairs.map((pair) => pair.certificate),
    key: pairs.map((pair) => pair.key.reveal()),
    ...(vouchers === undefined ? {} : { ca: [...vouchers.ca] }),
    ...(vouchers === undefined || vouchers.crl.length === 0 ? {} : { crl: [...vouchers.crl] }),
  });
}

/** Contexts in use, the least recently used one forgotten first: each costs some 30 KiB outside of JavaScript's heap. */
export class ContextCache {
  readonly #contexts = new Map<string, SecureContext>();
  readonly #limit: number;

  /** @param limit - most contexts kept, at least 1 */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @param key - equal for equal pairs and preset */
  get(key: string, make: () => SecureContext): SecureContext {
    const kept = this.#contexts.get(key);
    const context = kept ?? make();
    if (kept !== undefined) this.#contexts.delete(key);
    this.#contexts.set(key, context);
    if (this.#contexts.size > this.#limit) {
      for (const oldest of this.#contexts.keys()) {
        this.#contexts.delete(oldest);
        break;
      }
    }
    return context;
  }

  get size(): number {
    return this.#contexts.size;
  }
}
