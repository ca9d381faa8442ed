import { setTimeout as sleep } from 'node:timers/promises';
import { asGatewayError, GatewayError } from '../../errors.ts';
import type { Leases } from '../../state/store.ts';
import type { CertificatePair } from '../certificate.ts';
import { underLease } from '../under-lease.ts';
import { AcmeError, asAcmeError } from './acme-error.ts';
import { noteFailure, noteSuccess, type OrderFailure, readAttempts } from './attempts.ts';
import { type AcmeSource, askRenewalHint, type IssueParts, issue } from './issue.ts';
import type { OrderedPair } from './order.ts';
import type { RenewalHint } from './renewal-hint.ts';

export interface RenewalParts extends IssueParts {
  readonly leases: Leases;
  /** Gives what is served under a certificate's name. */
  readonly pairOf: (name: string) => CertificatePair | undefined;
  /** Checks, stores and serves a pair on every process. @returns its fingerprint */
  readonly serve: (name: string, pair: OrderedPair) => Promise<string>;
  /** Bounds how many orders run at once. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onOutcome: (outcome: 'ordered' | 'failed') => void;
}

/** A certificate that is to be kept fresh. */
export interface Kept {
  readonly name: string;
  readonly names: readonly string[];
  readonly source: AcmeSource;
}

/** A certificate that cannot be ordered at the moment. */
export interface FailedOrder extends OrderFailure {
  readonly name: string;
  readonly names: readonly string[];
  /** When the next attempt may be made, milliseconds since the epoch. */
  readonly againAtMs: number;
}

const ORDER_MS = 15 * 60_000;
const HINT_MS = 60_000;
const MOST_WAIT_MS = 3600_000;
/** Between two looks while another process orders. */
const LOOK_AGAIN_MS = 2_000;
/** Between two looks while the state is away. */
const OUTAGE_MS = 10_000;
/** How long the pair of another process may take to get here. */
const NOTICE_MS = 60_000;
/** How often a new pair is offered to the keeper. */
const SERVE_TRIES = 10;
const HINT_RETRY_MS = 3600_000;

/**
 * Keeps one certificate: orders it when there is none, renews it when the CA says so or after 2/3 of its life.
 *
 * Every process runs one of these for each certificate; a lease lets one of them order, and the others see its pair come.
 * What is served goes on being served whatever happens here.
 */
export class Renewal {
  readonly kept: Kept;
  readonly #parts: RenewalParts;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #hint: (Partial<RenewalHint> & { readonly of: string; readonly askAgainAtMs: number }) | undefined;
  #failure: (OrderFailure & { readonly againAtMs: number }) | undefined;

  constructor(parts: RenewalParts, kept: Kept) {
    this.#parts = parts;
    this.kept = kept;
  }

  /** Looks now, and from then on when it is time. */
  start(): void {
    this.#lookIn(0);
  }

  /** Gives up what is under way. */
  stop(): void {
    this.#stop.abort();
    clearTimeout(this.#timer);
  }

  /** Gives what is wrong; `undefined` when nothing is, as far as this process knows. */
  failure(): FailedOrder | undefined {
    const { name, names } = this.kept;
    return this.#failure === undefined ? undefined : { name, names, ...this.#failure };
  }

  /** Says for people what is wrong; `undefined` when nothing is, as far as this process knows. */
  note(): string | undefined {
    if (this.#failure === undefined) return undefined;
    const { detail, againAtMs } = this.#failure;
    const again = new Date(againAtMs).toISOString();
    return `the certificate ${this.kept.name} cannot be ordered, next attempt at ${again}: ${detail}`;
  }

  #lookIn(ms: number): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(this.#timer);
    const wait = Math.min(MOST_WAIT_MS, Math.max(0, ms));
    this.#timer = setTimeout(() => void this.#look(), wait).unref();
  }

  async #look(): Promise<void> {
    try {
      this.#lookIn(await this.#next());
    } catch (error) {
      const { code, reason } = asGatewayError(error);
      this.#parts.logger.warn({ certificate: this.kept.name, code, reason }, 'an order has to wait');
      this.#lookIn(OUTAGE_MS);
    }
  }

  /** Orders when it is time. @returns milliseconds until the next look */
  async #next(): Promise<number> {
    const { clock, leases } = this.#parts;
    const pair = this.#parts.pairOf(this.kept.name);
    await this.#askHint(pair);
    const dueIn = this.#dueAtMs(pair) - clock();
    if (dueIn > 0) {
      this.#failure = undefined;
      return Math.min(dueIn, (this.#hint?.askAgainAtMs ?? Number.POSITIVE_INFINITY) - clock());
    }
    const lease = { name: `acme/${this.kept.name}`, stop: this.#stop.signal };
    const done = await this.#parts.inTurn(() =>
      underLease(leases, lease, (signal, holds) => this.#attempt(signal, holds)),
    );
    return done?.result ?? LOOK_AGAIN_MS;
  }

  /** Runs under the lease. @returns milliseconds until the next look */
  async #attempt(lease: AbortSignal, holds: () => Promise<boolean>): Promise<number> {
    const { clock, records, logger, onOutcome } = this.#parts;
    const { name, names, source } = this.kept;
    const pair = this.#parts.pairOf(name);
    const past = await readAttempts(records, name);
    if (past.notBeforeMs > clock()) {
      // Another process failed, or this one before it was started anew.
      if (past.failure !== undefined) this.#failure = { ...past.failure, againAtMs: past.notBeforeMs };
      return past.notBeforeMs - clock();
    }
    const justOrdered =
      clock() - past.orderedAtMs < NOTICE_MS && past.fingerprint256 !== pair?.fingerprint256;
    if (this.#dueAtMs(pair) > clock() || justOrdered) return LOOK_AGAIN_MS;
    const signal = AbortSignal.any([lease, AbortSignal.timeout(ORDER_MS)]);
    try {
      logger.info({ certificate: name, names }, 'a certificate is being ordered');
      const ordered = await issue(this.#parts, source, { names, present: pair?.certificate }, signal);
      const fingerprint256 = await this.#serve(ordered, signal, holds);
      await noteSuccess(records, name, clock, fingerprint256);
      this.#failure = undefined;
      onOutcome('ordered');
      return LOOK_AGAIN_MS;
    } catch (thrown) {
      if (this.#stop.signal.aborted) return LOOK_AGAIN_MS;
      const error = asOrderFailure(thrown);
      onOutcome('failed');
      logger.error(
        { certificate: name, code: error.code, reason: error.reason, detail: error.detail },
        'a certificate could not be ordered; what was served before is served still',
      );
      const againAtMs = await noteFailure(records, name, clock, error);
      this.#failure = { reason: error.acmeReason, detail: error.detail ?? '', atMs: clock(), againAtMs };
      return againAtMs - clock();
    }
  }

  /** A pair that cannot be stored at the moment is not thrown away: the CA counts every one that it gives. */
  async #serve(ordered: OrderedPair, signal: AbortSignal, holds: () => Promise<boolean>): Promise<string> {
    for (let tries = 1; ; tries++) {
      try {
        if (!(await holds())) throw new AcmeError({ reason: 'stopped', detail: 'another process took over' });
        return await this.#parts.serve(this.kept.name, ordered);
      } catch (error) {
        const { code } = asGatewayError(error);
        const final = code === 'SP_CERTIFICATE_INVALID' || error instanceof AcmeError;
        if (final || tries >= SERVE_TRIES) throw error;
        await sleep(LOOK_AGAIN_MS, undefined, { signal });
      }
    }
  }

  #dueAtMs(pair: CertificatePair | undefined): number {
    if (pair === undefined || !fits(pair, this.kept)) return 0;
    const life = pair.notAfterMs - pair.notBeforeMs;
    const hinted = this.#hint?.of === pair.id ? this.#hint.renewAtMs : undefined;
    if (hinted === undefined) return pair.notBeforeMs + (life * 2) / 3;
    return Math.min(hinted, pair.notAfterMs - life / 10);
  }

  async #askHint(pair: CertificatePair | undefined): Promise<void> {
    const { clock, logger } = this.#parts;
    if (pair === undefined || !fits(pair, this.kept)) return;
    if (this.#hint?.of === pair.id && this.#hint.askAgainAtMs > clock()) return;
    const known = this.#hint?.of === pair.id ? this.#hint : undefined;
    const signal = AbortSignal.any([this.#stop.signal, AbortSignal.timeout(HINT_MS)]);
    try {
      const hint = await askRenewalHint(this.#parts, this.kept.source, pair.certificate, signal);
      this.#hint = { askAgainAtMs: clock() + MOST_WAIT_MS * 6, ...hint, of: pair.id };
    } catch (error) {
      const { reason, detail } = asAcmeError(error);
      logger.debug({ certificate: this.kept.name, reason, detail }, 'the CA gave no renewal hint');
      this.#hint = { ...known, of: pair.id, askAgainAtMs: clock() + HINT_RETRY_MS };
    }
  }
}

function fits(pair: CertificatePair, { names }: Kept): boolean {
  return names.every((name) => pair.names.includes(name));
}

/** A pair that the CA gave and that cannot be served would be ordered again and again: the CA counts each. */
function asOrderFailure(thrown: unknown): AcmeError {
  if (thrown instanceof GatewayError && thrown.code === 'SP_CERTIFICATE_INVALID') {
    const { detail } = asAcmeError(thrown);
    const text = detail ?? '';
    return new AcmeError({ reason: 'refused', detail: text, retryAfterMs: MOST_WAIT_MS, cause: thrown });
  }
  return asAcmeError(thrown);
}
