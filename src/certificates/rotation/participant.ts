import { setTimeout as sleep } from 'node:timers/promises';
import { asGatewayError } from '../../errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CertificateNotices } from '../keeper-options.ts';
import type { StoredPair } from '../vault.ts';
import type { Stage, StageRecords } from './stage-records.ts';

const LOOK_MS = 50;
/** How often what counts is read while a stage is there, whose leader may have committed and died. */
const SETTLE_MS = 1000;
/** A write that the state took late, e.g. after it was frozen, is seen by one of these further looks. */
const LATER_MS = [0, 2000, 8000];

export interface ParticipantOptions {
  /** Id of this process. */
  readonly self: string;
  readonly records: StageRecords;
  readonly notices: CertificateNotices | undefined;
  /** Whether pairs can be tried yet; until then nobody waits for this process. */
  readonly isReady: () => boolean;
  /** Tries a staged pair. @returns the fingerprint that was seen; @throws Error or SP_CERTIFICATE_INVALID */
  readonly attempt: (name: string, pair: StoredPair) => Promise<string>;
  /** Gives the fingerprint of what the configuration of this process gives a certificate. */
  readonly baseOf: (name: string) => string | undefined;
  /** Reads anew what counts and serves it. Never rejects. */
  readonly settle: (name: string) => Promise<void>;
  /** Learns that a transaction is over and what counts now is served. */
  readonly settled: (stage: Stage) => void;
  readonly logger: Logger;
}

/**
 * The part of a process in the transactions that others lead: it tries what is staged, answers, and when the stage is
 * gone, for whatever reason, it reads what counts. So it needs nobody's word to end on the same pair as all others.
 */
export class Participant {
  readonly #options: ParticipantOptions;
  readonly #followed = new Set<string>();
  readonly #ends: (() => void)[] = [];
  readonly #closing = new AbortController();

  constructor(options: ParticipantOptions) {
    this.#options = options;
  }

  /** Takes part from now on, also in what is under way. */
  start(): void {
    const { notices } = this.#options;
    if (notices === undefined) return;
    const end = notices.on(({ kind, name }) => {
      if (kind === 'certificate-staged' && name !== undefined) void this.follow(name);
    });
    this.#ends.push(end);
    if (notices.onGap !== undefined) this.#ends.push(notices.onGap(() => void this.#lookAround()));
    void this.#lookAround();
  }

  /** Follows the transaction of a certificate to its end, and serves what counts then. Never rejects. */
  async follow(name: string): Promise<void> {
    if (this.#followed.has(name)) return;
    this.#followed.add(name);
    const last = await this.#toTheEnd(name);
    this.#followed.delete(name);
    for (const pauseMs of LATER_MS) {
      if (!(await this.#pause(pauseMs))) return;
      await this.#options.settle(name);
      if (pauseMs === 0 && last !== undefined) this.#options.settled(last);
    }
  }

  close(): void {
    this.#closing.abort();
    for (const end of this.#ends.splice(0)) end();
  }

  async #toTheEnd(name: string): Promise<Stage | undefined> {
    const { records, self, isReady, settle, logger } = this.#options;
    let answered: Stage | undefined;
    let settledMs = performance.now();
    do {
      try {
        const present = await records.present(name);
        if (present === undefined) break;
        if (performance.now() - settledMs > SETTLE_MS) {
          await settle(name);
          settledMs = performance.now();
        }
        if (present === answered?.rotation) continue;
        const stage = await records.get(name);
        if (stage === undefined) break;
        answered = stage;
        if (stage.by !== self && stage.pair !== undefined && isReady()) await this.#answer(stage, stage.pair);
      } catch (error) {
        const { code, reason, detail } = asGatewayError(error);
        logger.warn(
          { certificate: name, code, reason, detail },
          'a rotation cannot be followed at the moment',
        );
      }
    } while (await this.#pause(LOOK_MS));
    return answered;
  }

  async #answer({ name, rotation }: Stage, pair: StoredPair): Promise<void> {
    const { attempt, baseOf, records, self } = this.#options;
    const found = await attempt(name, pair).then(
      (fingerprint256) => ({ fingerprint256, problem: undefined }),
      (error: unknown) => ({ fingerprint256: undefined, problem: wordsOf(error) }),
    );
    await records.answer(rotation, { process: self, base: baseOf(name), ...found });
  }

  async #lookAround(): Promise<void> {
    try {
      for (const name of await this.#options.records.names()) void this.follow(name);
    } catch (error) {
      const { code } = asGatewayError(error);
      this.#options.logger.debug({ code }, 'whether a rotation is under way cannot be seen');
    }
  }

  /** @returns false when this process is leaving */
  async #pause(pauseMs: number): Promise<boolean> {
    const { signal } = this.#closing;
    if (signal.aborted) return false;
    if (pauseMs > 0) await sleep(pauseMs, undefined, { ref: false, signal }).catch(() => undefined);
    return !signal.aborted;
  }
}

/** Says why an attempt failed, in words that may be shown to the one who rotates. */
export function wordsOf(error: unknown): string {
  const { problems, title, code } = asGatewayError(error);
  if (problems.length > 0) return problems.join(' ');
  return code === 'SP_INTERNAL' && error instanceof Error ? error.message : title;
}
