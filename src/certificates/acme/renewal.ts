import { asGatewayError } from '../../errors.ts';
import type { Leases } from '../../state/store.ts';
import type { CertificatePair } from '../certificate.ts';
import { underLease } from '../under-lease.ts';
import { asAcmeError } from './acme-error.ts';
import {
  type Attempts,
  nextAttemptMs,
  noteFailure,
  notePause,
  type OrderFailure,
  type Pause,
  readAttempts,
} from './attempts.ts';
import { coversAll, type Due, dueOf } from './due.ts';
import { type FillParts, fillOrder, type Kept, type OrderLease } from './fill-order.ts';
import { pauseFor, type Situation, standingPause } from './pause.ts';
import { RenewalHints } from './renewal-hints.ts';

export interface RenewalParts extends FillParts {
  readonly leases: Leases;
  /** Gives what is served under a certificate's name. */
  readonly pairOf: (name: string) => CertificatePair | undefined;
  /** Bounds how many orders run at once at the same CAs. */
  readonly inTurn: <T>(work: () => Promise<T>) => Promise<T>;
  readonly onOutcome: (outcome: 'ordered' | 'failed') => void;
}

/** A certificate that cannot be ordered at the moment. */
export interface FailedOrder extends OrderFailure {
  readonly name: string;
  readonly names: readonly string[];
  /** When the next attempt may be made, milliseconds since the epoch. */
  readonly againAtMs: number;
}

const MOST_WAIT_MS = 3600_000;
/** Between two looks while another process orders. */
const LOOK_AGAIN_MS = 2_000;
/** Between two looks while the state is away. */
const OUTAGE_MS = 10_000;
/** How long the pair of another process may take to get here. */
const NOTICE_MS = 60_000;

/**
 * Keeps one certificate: orders it when there is none, renews it when the CA says so or after 2/3 of its life.
 *
 * Every process runs one of these for each certificate; a lease lets one of them order, and the others see its pair come.
 * What is served goes on being served whatever happens here.
 */
export class Renewal {
  readonly kept: Kept;
  readonly #parts: RenewalParts;
  readonly #hints: RenewalHints;
  readonly #stop = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #isLooking = false;
  #hasChanged = false;
  /** Fingerprint of what was served when it was last decided whether to order. */
  #seen: string | undefined;
  #failure: (OrderFailure & { readonly againAtMs: number }) | undefined;
  #pause: Pause | undefined;

  constructor(parts: RenewalParts, kept: Kept) {
    this.#parts = parts;
    this.kept = kept;
    this.#hints = new RenewalHints(parts, kept);
  }

  /** Looks now, and from then on when it is time. */
  start(): void {
    this.#lookIn(0);
  }

  /** Looks soon, as another pair is served under the name. */
  changed(): void {
    if (this.#isLooking) this.#hasChanged = true;
    else this.#lookIn(0);
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

  /** Says for people what is wrong or waits; `undefined` when nothing does, as far as this process knows. */
  note(): string | undefined {
    const { name } = this.kept;
    if (this.#failure !== undefined) {
      const { detail, againAtMs } = this.#failure;
      return `the certificate ${name} cannot be ordered, next attempt at ${timeOf(againAtMs)}: ${detail}`;
    }
    if (this.#pause === undefined) return undefined;
    const next = `the next order is made at ${timeOf(this.#pause.untilMs)}`;
    return this.#pause.why === 'hinted'
      ? `the CA wants the certificate ${name} to be renewed again right after an order: ${next}`
      : `the certificate ${name} was rolled back or replaced after its last order, and is due: ${next}; to serve the ordered one before, roll forward with "sallyport cert rollback ${name}"`;
  }

  #lookIn(ms: number): void {
    if (this.#stop.signal.aborted) return;
    clearTimeout(this.#timer);
    const wait = Math.min(MOST_WAIT_MS, Math.max(0, ms));
    this.#timer = setTimeout(() => void this.#look(), wait).unref();
  }

  async #look(): Promise<void> {
    this.#isLooking = true;
    this.#hasChanged = false;
    let wait = OUTAGE_MS;
    try {
      wait = await this.#next();
    } catch (error) {
      const { code, reason } = asGatewayError(error);
      this.#parts.logger.warn({ certificate: this.kept.name, code, reason }, 'an order has to wait');
    }
    this.#isLooking = false;
    this.#lookIn(this.#hasChanged ? Math.min(wait, LOOK_AGAIN_MS) : wait);
  }

  /** Orders when it is time. @returns milliseconds until the next look */
  async #next(): Promise<number> {
    const { clock, leases } = this.#parts;
    const { name, names } = this.kept;
    const pair = this.#parts.pairOf(name);
    if (pair !== undefined && coversAll(pair, names)) await this.#hints.ask(pair, this.#stop.signal);
    const due = this.#dueOf(pair);
    if (due.atMs > clock()) return this.#rest(pair, due);
    const lease = { name: `acme/${name}`, stop: this.#stop.signal };
    const done = await this.#parts.inTurn(() =>
      underLease(leases, lease, (signal, holds) => this.#attempt(signal, holds)),
    );
    return done?.result ?? LOOK_AGAIN_MS;
  }

  /** Runs under the lease. @returns milliseconds until the next look */
  async #attempt(lease: AbortSignal, holds: () => Promise<boolean>): Promise<number> {
    const { clock, records } = this.#parts;
    const { name, source } = this.kept;
    const pair = this.#parts.pairOf(name);
    const past = await readAttempts(records, name);
    const due = this.#dueOf(pair, past);
    if (due.atMs > clock()) return this.#rest(pair, due);
    const againAtMs = nextAttemptMs(past, source.directories);
    if (againAtMs > clock()) {
      // Another process failed, or this one before it was started anew.
      if (past.failure !== undefined) this.#failure = { ...past.failure, againAtMs };
      return againAtMs - clock();
    }
    const situation = { pair, past, why: due.why };
    const pauseMs = await this.#pauseMs(situation);
    if (pauseMs > 0) return pauseMs;
    return await this.#order(situation, { signal: lease, holds });
  }

  /** Gives how long to wait although an order is due: another process made one, or what the last one gave did not last. */
  async #pauseMs(situation: Situation): Promise<number> {
    const { clock, records } = this.#parts;
    const { pair, past } = situation;
    const [seen, served, ordered] = [this.#seen, pair?.fingerprint256, past.fingerprint256];
    const standing = standingPause(situation, clock(), seen !== undefined && seen !== served);
    const isRecent = clock() - past.orderedAtMs < NOTICE_MS;
    if (standing === undefined && isRecent && ordered !== served && ordered !== seen) return LOOK_AGAIN_MS;
    const pause = standing ?? pauseFor(situation, clock());
    if (pause !== undefined && pause !== standing) {
      await notePause(records, this.kept.name, past, pause);
      this.#tellPause(pause, ordered);
    }
    this.#seen = served;
    this.#pause = pause !== undefined && pause.untilMs > clock() ? pause : undefined;
    if (this.#pause === undefined) return 0;
    this.#failure = undefined;
    return this.#pause.untilMs - clock();
  }

  #tellPause({ why, served, untilMs }: Pause, ordered: string | undefined): void {
    const about = { certificate: this.kept.name, served, ordered, nextOrderAt: timeOf(untilMs) };
    const words =
      why === 'hinted'
        ? 'the CA wants a certificate to be renewed again right after an order: the next order waits'
        : 'a certificate was rolled back or replaced after its last order, and is due: the next order waits';
    this.#parts.logger.warn(about, words);
  }

  async #order(situation: Situation, lease: OrderLease): Promise<number> {
    try {
      const filled = await fillOrder(this.#parts, this.kept, situation, lease);
      if (filled === undefined) return await this.#unfilled();
      this.#seen = filled;
      this.#failure = undefined;
      this.#parts.onOutcome('ordered');
      return LOOK_AGAIN_MS;
    } catch (thrown) {
      return this.#stop.signal.aborted ? LOOK_AGAIN_MS : await this.#failed(thrown);
    }
  }

  /** No directory filled the order, which is noted. */
  async #unfilled(): Promise<number> {
    const past = await readAttempts(this.#parts.records, this.kept.name);
    const failure = past.failure ?? { reason: 'refused', detail: '', atMs: this.#parts.clock() };
    this.#tellFailure(failure);
    return this.#waitAfter({ ...failure, againAtMs: nextAttemptMs(past, this.kept.source.directories) });
  }

  /** It was given up, or what it gave could not be stored: no directory is asked again at once. */
  async #failed(thrown: unknown): Promise<number> {
    const { clock, records } = this.#parts;
    const { name, source } = this.kept;
    const error = asAcmeError(thrown);
    this.#tellFailure({ reason: error.reason, detail: error.detail ?? '' });
    const unfilled = { error, resting: source.directories, directories: source.directories };
    return this.#waitAfter(await noteFailure(records, name, clock, unfilled));
  }

  #tellFailure({ reason, detail }: Pick<OrderFailure, 'reason' | 'detail'>): void {
    const { logger, onOutcome } = this.#parts;
    onOutcome('failed');
    logger.error(
      { certificate: this.kept.name, code: 'SP_CERTIFICATE_ORDER', reason, detail },
      'a certificate could not be ordered; what was served before is served still',
    );
  }

  #waitAfter(failure: OrderFailure & { readonly againAtMs: number }): number {
    this.#failure = failure;
    return failure.againAtMs - this.#parts.clock();
  }

  /** Nothing is to be done before it is due, or the CA is to be asked again. @returns milliseconds until then */
  #rest(pair: CertificatePair | undefined, due: Due): number {
    this.#failure = undefined;
    this.#pause = undefined;
    this.#seen = pair?.fingerprint256;
    return Math.min(due.atMs, this.#hints.askAgainAtMs(pair)) - this.#parts.clock();
  }

  #dueOf(pair: CertificatePair | undefined, past?: Attempts): Due {
    const renewAtMs = this.#hints.renewAtMs(pair);
    return dueOf(pair, { names: this.kept.names, ordered: past?.names ?? [], renewAtMs });
  }
}

function timeOf(ms: number): string {
  return new Date(ms).toISOString();
}
