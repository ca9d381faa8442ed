import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { asGatewayError, GatewayError } from '../../errors.ts';
import type { Leases } from '../../state/store.ts';
import type { CertificateNotices } from '../keeper-options.ts';
import { underLease } from '../under-lease.ts';
import type { StoredPair } from '../vault.ts';
import { wordsOf } from './participant.ts';
import type { Roster } from './roster.ts';
import type { Stage, StageRecords } from './stage-records.ts';

/** Longer than a process is missed after its last sign of life: one that died holds a rotation up, and then no more. */
const ANSWER_BOUND_MS = 8000;
const LEASE_MS = 15_000;
/**
 * Held by one rotation at a time of those that give a host to a certificate which did not serve it: two of them would
 * each be confirmed by processes that do not know of the other yet. Outlives the stage of a leader that died.
 */
const CLAIM = { name: 'certificate-claim', ttlMs: 20_000 };
const CLAIM_BOUND_MS = 25_000;
const LOOK_MS = 25;
const COUNT_MS = 500;

/** Why a certificate is changed. */
export type RotationCause = 'upload' | 'acme' | 'rollback' | 'refused-by-clients' | 'removal';

/** A step of a transaction, for the audit log. */
export interface RotationStep {
  readonly certificate: string;
  readonly rotation: string;
  readonly cause: RotationCause;
  readonly step: 'staged' | 'confirmed' | 'committed' | 'abandoned';
  readonly fingerprint256: string | undefined;
  /** Fingerprint of what was served when it began. */
  readonly before: string | undefined;
  readonly processes?: readonly string[];
  /** Processes that were seen within a day and could not be asked. */
  readonly missing?: readonly string[];
  readonly problems?: readonly string[];
  readonly code?: string;
}

/** Who was asked about a staged pair. */
export interface Confirmation {
  /** Ids of the processes that served the pair to themselves. */
  readonly confirmedBy: readonly string[];
  /** Ids of those that were seen within a day and could not be asked: killed, or cut off and serving what they served. */
  readonly missing: readonly string[];
  /** Fingerprints of what the configurations of those who were asked give the certificate. */
  readonly bases: readonly string[];
}

export interface RotationOptions {
  readonly roster: Pick<Roster, 'self' | 'live' | 'missing'>;
  readonly leases: Leases;
  readonly records: StageRecords;
  readonly notices: CertificateNotices | undefined;
  readonly attempt: (name: string, pair: StoredPair) => Promise<string>;
  readonly onStep: (step: RotationStep) => void;
}

/** What is to happen. */
export interface RotationOrder {
  readonly name: string;
  readonly pair: StoredPair | undefined;
  readonly fingerprint256: string | undefined;
  /** Fingerprint of what is served now. */
  readonly before: string | undefined;
  readonly cause: RotationCause;
  /** Whether the pair serves a host that the certificate did not serve before with such a key. */
  readonly claims: boolean;
}

/** Whether clients may have something against a pair that nobody has served yet. */
export function isWatched({ cause }: Pick<RotationOrder, 'cause'>): boolean {
  return cause === 'upload' || cause === 'acme';
}

/** What the others found out. */
interface Answers {
  readonly confirmed: readonly string[];
  readonly bases: readonly string[];
  readonly problems: readonly string[];
}

/**
 * Leads transactions: stages a pair, waits until every process that lives has served it to itself, then commits.
 *
 * Whoever leads may die at any moment: until the commit, which is one conditional write of one record, the old pair
 * counts everywhere, and after it the new one does. Two that lead at once are told apart by a lease and by that condition.
 */
export class Rotation {
  readonly #options: RotationOptions;

  constructor(options: RotationOptions) {
    this.#options = options;
  }

  /**
   * @param commit - writes what counts from then on
   * @throws SP_CERTIFICATE_CONFLICT while another rotation of the name is under way; SP_CERTIFICATE_UNCONFIRMED, which names
   * every process that failed, and then nothing has changed; SP_STATE_UNREACHABLE; what `commit` throws
   */
  async run<T>(order: RotationOrder, commit: (by: Confirmation) => Promise<T>): Promise<T> {
    if (!order.claims) return await this.#alone(order, commit, []);
    const endMs = performance.now() + CLAIM_BOUND_MS;
    do {
      const done = await underLease(this.#options.leases, CLAIM, (lost) =>
        this.#alone(order, commit, [lost]),
      );
      if (done !== undefined) return done.result;
      await sleep(LOOK_MS);
    } while (performance.now() < endMs);
    throw new GatewayError('SP_CERTIFICATE_CONFLICT', { reason: 'claiming' });
  }

  async #alone<T>(
    order: RotationOrder,
    commit: (by: Confirmation) => Promise<T>,
    signals: readonly AbortSignal[],
  ): Promise<T> {
    const wish = { name: `certificate-rotation/${order.name}`, ttlMs: LEASE_MS };
    const lead = (lost: AbortSignal): Promise<T> =>
      this.#lead(order, commit, AbortSignal.any([lost, ...signals]));
    const done = await underLease(this.#options.leases, wish, lead);
    if (done === undefined) throw new GatewayError('SP_CERTIFICATE_CONFLICT', { reason: 'rotating' });
    return done.result;
  }

  async #lead<T>(
    order: RotationOrder,
    commit: (by: Confirmation) => Promise<T>,
    lost: AbortSignal,
  ): Promise<T> {
    const { roster, records, notices, onStep } = this.#options;
    const { name, fingerprint256, before, cause } = order;
    const rotation = randomUUID();
    const about = { certificate: name, rotation, fingerprint256, before, cause };
    const stage: Stage = { ...order, rotation, by: roster.self, watched: isWatched(order) };
    let staged: number | undefined;
    try {
      const processes = await roster.live();
      staged = await records.put(stage);
      await notices?.publish({ kind: 'certificate-staged', name });
      onStep({ ...about, step: 'staged', processes });
      const { confirmedBy, bases } = await this.#confirm(stage, processes);
      const missing = await roster.missing();
      onStep({ ...about, step: 'confirmed', processes: confirmedBy, missing });
      if (lost.aborted) throw new GatewayError('SP_CERTIFICATE_CONFLICT', { reason: 'lease-lost' });
      // Those who follow do so until it is gone: it outlives the commit.
      staged = await records.put(stage);
      const result = await commit({ confirmedBy, missing, bases });
      onStep({ ...about, step: 'committed', processes: confirmedBy, missing });
      return result;
    } catch (error) {
      const { code, problems } = asGatewayError(error);
      onStep({ ...about, step: 'abandoned', problems, code });
      throw error;
    } finally {
      if (staged !== undefined) await records.delete(name, staged).catch(() => undefined);
    }
  }

  async #confirm(
    stage: Stage,
    processes: readonly string[],
  ): Promise<Pick<Confirmation, 'confirmedBy' | 'bases'>> {
    const { roster, attempt } = this.#options;
    const { name, pair } = stage;
    if (pair === undefined) return { confirmedBy: [roster.self], bases: [] };
    const [own, others] = await Promise.all([
      attempt(name, pair).then(
        () => undefined,
        (error: unknown) => `${roster.self}: ${wordsOf(error)}`,
      ),
      this.#others(stage, processes),
    ]);
    const problems = [...(own === undefined ? [] : [own]), ...others.problems];
    if (problems.length === 0)
      return { confirmedBy: [roster.self, ...others.confirmed].sort(), bases: others.bases };
    throw new GatewayError('SP_CERTIFICATE_UNCONFIRMED', {
      reason: 'unconfirmed',
      detail: problems.join('; '),
      problems,
    });
  }

  /** Waits for the answers of the others; one that dies meanwhile is not waited for. */
  async #others({ rotation }: Stage, processes: readonly string[]): Promise<Answers> {
    const { roster, records } = this.#options;
    let awaited = processes.filter((id) => id !== roster.self);
    const startMs = performance.now();
    let countedMs = startMs;
    for (;;) {
      const answers = awaited.length === 0 ? [] : await records.answers(rotation);
      const silent = awaited.filter((id) => !answers.some((answer) => answer.process === id));
      const nowMs = performance.now();
      if (silent.length === 0 || nowMs - startMs > ANSWER_BOUND_MS) {
        const failed = answers.filter(({ problem }) => problem !== undefined);
        return {
          confirmed: answers.filter(({ problem }) => problem === undefined).map((answer) => answer.process),
          bases: answers.flatMap(({ base }) => base ?? []),
          problems: [
            ...failed.map(({ process, problem }) => `${process}: ${problem}`),
            ...silent.map((id) => `${id}: it did not answer within ${ANSWER_BOUND_MS / 1000} s`),
          ],
        };
      }
      if (nowMs - countedMs > COUNT_MS) {
        countedMs = nowMs;
        const live = await roster.live();
        awaited = awaited.filter((id) => live.includes(id) || !silent.includes(id));
      }
      await sleep(LOOK_MS);
    }
  }
}
