import type { SecureContext } from 'node:tls';
import { asGatewayError } from '../../errors.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import type { Clock } from '../../lib/clock.ts';
import { JsonFields } from '../../lib/json-fields.ts';
import type { Logger } from '../../lib/logger.ts';
import { pagesOf } from '../../lib/pages.ts';
import type { Records } from '../../state/store.ts';
import { challengeContext } from './challenge-certificate.ts';

/** A challenge that the CA is about to check on any process. */
export interface Challenge {
  readonly kind: 'http-01' | 'tls-alpn-01';
  readonly host: string;
  readonly token: string;
  /** Token and thumbprint of the account key: public. */
  readonly keyAuthorization: string;
}

export interface ChallengeBoardParts {
  readonly records: Records;
  /** Whether challenges for a canonical host may exist; asked before anything else. */
  readonly mayAsk: (host: string) => boolean;
  readonly clock: Clock;
  readonly logger: Logger;
}

const INDEX = 'acme-challenges';
const PREFIX = 'acme/challenge/';
/** Longer than any order may take. */
const LIFE_MS = 20 * 60_000;
const PAGE = 1000;
/** Least time between two reads of the board, however many ask. */
const READ_EVERY_MS = 500;
const MOST_WAITING = 1000;
const CONTEXTS = 100;
const TOKEN = /^[A-Za-z0-9_-]{16,128}$/;

/**
 * The challenges of every process on the same state: one orders, each answers.
 *
 * Security: what is not known here costs one read of the state for all who ask within half a second, so that made-up tokens and
 * names are no way to keep the state busy; hosts without ACME are turned away before that.
 */
export class ChallengeBoard {
  readonly #parts: ChallengeBoardParts;
  readonly #contexts = new BoundedMap<string, SecureContext>(CONTEXTS);
  #present: ReadonlyMap<string, Challenge> = new Map();
  #next: Promise<void> | undefined;
  #waiting = 0;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;

  constructor(parts: ChallengeBoardParts) {
    this.#parts = parts;
  }

  /** Shows a challenge to every process. @throws SP_STATE_UNREACHABLE */
  async show(challenge: Challenge): Promise<void> {
    const value = Buffer.from(JSON.stringify(challenge));
    await this.#parts.records.put(PREFIX + keyOf(challenge), value, { ttlMs: LIFE_MS, indexes: [INDEX] });
    this.#present = new Map([...this.#present, [keyOf(challenge), challenge]]);
  }

  /** Takes a challenge away again. Never rejects: it expires in any case. */
  async hide(challenge: Challenge): Promise<void> {
    const present = new Map(this.#present);
    present.delete(keyOf(challenge));
    this.#present = present;
    await this.#parts.records.delete(PREFIX + keyOf(challenge)).catch(() => false);
  }

  /** Whether an HTTP-01 answer may exist, told without asking anybody. */
  mayAnswer(host: string, token: string): boolean {
    return TOKEN.test(token) && this.#parts.mayAsk(host);
  }

  /** Gives the body that answers an HTTP-01 challenge, `undefined` when there is none (RFC 8555 §8.3). Never rejects. */
  async httpAnswer(host: string, token: string): Promise<string | undefined> {
    if (!this.mayAnswer(host, token)) return undefined;
    return (await this.#find(keyOf({ kind: 'http-01', host, token })))?.keyAuthorization;
  }

  /** Whether a TLS-ALPN-01 answer may exist, told without asking anybody. */
  mayProve(host: string): boolean {
    return this.#parts.mayAsk(host);
  }

  /** Gives the context that answers a TLS-ALPN-01 challenge, `undefined` when there is none (RFC 8737 §3). Never rejects. */
  async alpnContext(host: string): Promise<SecureContext | undefined> {
    if (!this.mayProve(host)) return undefined;
    const challenge = await this.#find(keyOf({ kind: 'tls-alpn-01', host, token: '' }));
    if (challenge === undefined) return undefined;
    const { keyAuthorization } = challenge;
    const known = this.#contexts.get(keyAuthorization + host);
    if (known !== undefined) return known;
    const made = challengeContext(host, keyAuthorization, this.#parts.clock());
    this.#contexts.set(keyAuthorization + host, made);
    return made;
  }

  close(): void {
    clearTimeout(this.#timer);
  }

  async #find(key: string): Promise<Challenge | undefined> {
    const known = this.#present.get(key);
    if (known !== undefined) return known;
    if (this.#waiting >= MOST_WAITING) return undefined;
    this.#waiting++;
    try {
      await this.#nextRead();
    } finally {
      this.#waiting--;
    }
    return this.#present.get(key);
  }

  /** Resolves after a read of the board that begins later than now. */
  #nextRead(): Promise<void> {
    this.#next ??= new Promise((resolve) => {
      const wait = Math.max(0, this.#readAtMs + READ_EVERY_MS - performance.now());
      this.#timer = setTimeout(() => {
        this.#next = undefined;
        this.#readAtMs = performance.now();
        void this.#read().then(resolve);
      }, wait).unref();
    });
    return this.#next;
  }

  /** Gives every challenge on the board, by `keyOf`. */
  async #shown(): Promise<ReadonlyMap<string, Challenge>> {
    const { records } = this.#parts;
    const shown = new Map<string, Challenge>();
    for await (const page of pagesOf((place) => records.list(INDEX, { limit: PAGE, ...place }))) {
      for (const { value } of page) {
        const challenge = decode(value);
        if (challenge !== undefined) shown.set(keyOf(challenge), challenge);
      }
    }
    return shown;
  }

  async #read(): Promise<void> {
    try {
      this.#present = await this.#shown();
    } catch (error) {
      const { code, reason } = asGatewayError(error);
      this.#parts.logger.warn({ code, reason }, 'the challenges of ACME orders cannot be read');
    }
  }
}

/** A host has one TLS-ALPN-01 challenge at a time, as the handshake names no token. */
function keyOf({ kind, host, token }: Omit<Challenge, 'keyAuthorization'>): string {
  return kind === 'http-01' ? `${kind}/${host}/${token}` : `${kind}/${host}`;
}

function decode(value: Uint8Array): Challenge | undefined {
  try {
    const fields = new JsonFields(value, (why) => new TypeError(why));
    const kind = fields.text('kind');
    if (kind !== 'http-01' && kind !== 'tls-alpn-01') return undefined;
    const keyAuthorization = fields.text('keyAuthorization');
    return { kind, host: fields.text('host'), token: fields.text('token'), keyAuthorization };
  } catch {
    return undefined;
  }
}
