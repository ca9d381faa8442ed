import { asGatewayError, isStateAway } from '../../errors.ts';
import { BoundedMap } from '../../lib/bounded-map.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Leases, Records } from '../../state/store.ts';
import { underLease } from '../under-lease.ts';
import { dueNotices, type Situation } from './due-notices.ts';
import { afterFailure, isGivenUp, isSettled, readTelling, type Telling, writeTelling } from './telling.ts';
import { noticeText, type WebhookNotice } from './webhook-notice.ts';

/** Who is told. */
export interface Receiver {
  /** For the log. */
  readonly host: string;
  /** Tells this receiver from another one. */
  readonly id: string;
  /** Hands over one text; the signal gives up, and then it rejects. @returns why it was not taken; `undefined` when it was */
  post(body: string, signal: AbortSignal): Promise<string | undefined>;
}

export interface TellerParts {
  readonly store: { readonly records: Pick<Records, 'get' | 'put'>; readonly leases: Leases };
  readonly clock: Clock;
  readonly logger: Logger;
  /** What there is to look at and who is told, asked anew each time; `undefined`: nobody is told. */
  readonly outlook: () => (Situation & { readonly receiver: Receiver }) | undefined;
  readonly onOutcome: (outcome: 'delivered' | 'failed') => void;
  /** Between two looks; default a minute. */
  readonly lookMs?: number;
}

const LOOK_MS = 60_000;
/** Longer than an attempt may take; a process that dies at it is followed by another one after this time. */
const CLAIM_MS = 30_000;
const REMEMBERED = 10_000;

/**
 * Tells of certificates that end or cannot be ordered. Comes in: what is served. Goes out: notices, each once for all
 * processes on one state.
 *
 * Every process looks by itself; a lease lets one of them try at a time, and a record says how it went, so that any of
 * them goes on. An attempt whose outcome could not be written down is made again: the notice then has the same id.
 * A certificate that is not served any more is not told of any more.
 */
export class Teller {
  readonly #parts: TellerParts;
  readonly #stop = new AbortController();
  /** What needs no look into the state. */
  readonly #known = new BoundedMap<string, Telling>(REMEMBERED);
  #timer: NodeJS.Timeout | undefined;
  #turn: Promise<void> = Promise.resolve();
  #waiting: Promise<void> | undefined;

  constructor(parts: TellerParts) {
    this.#parts = parts;
  }

  /** Looks now and from then on; again without effect. */
  start(): void {
    if (this.#timer !== undefined || this.#stop.signal.aborted) return;
    this.#timer = setInterval(() => void this.look(), this.#parts.lookMs ?? LOOK_MS).unref();
    void this.look();
  }

  /** Looks as soon as the look that is under way is over, and waits for that. Never rejects. */
  look(): Promise<void> {
    this.#waiting ??= this.#turn.then(() => {
      this.#waiting = undefined;
      return this.#look();
    });
    this.#turn = this.#waiting;
    return this.#turn;
  }

  /** Gives up what is under way and its claim. Never rejects; safe to call twice. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#stop.abort();
    await this.#turn;
  }

  async #look(): Promise<void> {
    if (this.#stop.signal.aborted) return;
    try {
      const outlook = this.#parts.outlook();
      if (outlook === undefined) return;
      for (const notice of dueNotices(outlook, this.#parts.clock())) {
        // One that is away is not asked for each notice: the rest waits for the next look.
        if (!(await this.#tell(notice, outlook.receiver))) return;
      }
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const { code, reason } = asGatewayError(error);
      const level = isStateAway(error) ? 'debug' : 'error';
      this.#parts.logger[level]({ code, reason }, 'notices about certificates have to wait');
    }
  }

  /** @returns false when the receiver did not take it */
  async #tell(notice: WebhookNotice, receiver: Receiver): Promise<boolean> {
    const { clock, store } = this.#parts;
    this.#stop.signal.throwIfAborted();
    if (isSettled(this.#known.get(notice.id), receiver.id, clock())) return true;
    const claim = { name: `webhook/${notice.id}`, ttlMs: CLAIM_MS };
    const done = await underLease(store.leases, claim, async () => {
      const { telling, version } = await readTelling(store.records, notice.id);
      if (telling !== undefined && isSettled(telling, receiver.id, clock())) {
        this.#known.set(notice.id, telling);
        return true;
      }
      const after = await this.#attempt(notice, receiver, telling);
      this.#known.set(notice.id, after);
      await writeTelling(store.records, notice.id, after, version);
      return after.delivered;
    });
    return done?.result ?? true;
  }

  async #attempt(notice: WebhookNotice, receiver: Receiver, before: Telling | undefined): Promise<Telling> {
    const { clock, logger, onOutcome } = this.#parts;
    const reason = await receiver.post(noticeText(notice, clock()), this.#stop.signal);
    const told = { receiver: receiver.host, event: notice.event, certificate: notice.certificate.name };
    if (reason === undefined) {
      onOutcome('delivered');
      logger.info(told, 'a notice was delivered');
      return { delivered: true, failures: before?.failures ?? 0, notBeforeMs: 0, receiver: receiver.id };
    }
    onOutcome('failed');
    const after = afterFailure(before, receiver.id, clock());
    const again = new Date(after.notBeforeMs).toISOString();
    if (isGivenUp(after)) logger.error({ ...told, reason }, 'a notice was given up');
    else logger.warn({ ...told, reason, again }, 'a notice was not taken');
    return after;
  }
}
