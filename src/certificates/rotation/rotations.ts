import { asGatewayError } from '../../errors.ts';
import type { KeeperOptions } from '../keeper-options.ts';
import { fingerprintOf, served } from '../place.ts';
import type { Places } from '../places.ts';
import type { StoredPair } from '../vault.ts';
import { Participant } from './participant.ts';
import type { Probe } from './probe.ts';
import { type Confirmation, isWatched, Rotation, type RotationOrder } from './rotation.ts';
import { StageRecords } from './stage-records.ts';
import { type HandshakeSample, Trials } from './trials.ts';

/** What rotations need of a keeper. */
export interface RotationsParts {
  readonly places: Places;
  /** Reads anew what counts under a name and serves it. Never rejects. */
  readonly settle: (name: string) => Promise<void>;
  /** Returns to the pair before the one with this fingerprint. Never rejects. */
  readonly undo: (name: string, fingerprint256: string) => Promise<void>;
}

/** The transactions of a keeper: those that it leads, those in which it takes part, and the watch on handshakes after them. */
export class Rotations {
  readonly #options: KeeperOptions;
  readonly #parts: RotationsParts;
  readonly #trials: Trials;
  readonly #participant: Participant | undefined;
  readonly #rotation: Rotation | undefined;

  /** @param options - without `fleet` a change is committed at once, as the only process there is */
  constructor(options: KeeperOptions, parts: RotationsParts) {
    this.#options = options;
    this.#parts = parts;
    this.#trials = new Trials(options.clock, (name, fingerprint256) => this.#refused(name, fingerprint256));
    const { fleet, notices, logger, onStep = () => undefined } = options;
    if (fleet === undefined) return;
    const records = new StageRecords(options);
    const { probe } = fleet;
    const attempt = (name: string, pair: StoredPair): Promise<string> => this.#attempt(name, pair, probe);
    const { self } = fleet.roster;
    const { settle } = parts;
    const settled = ({
      name,
      pair,
      watched,
    }: {
      name: string;
      pair: StoredPair | undefined;
      watched: boolean;
    }): void => {
      if (watched) this.#watch(name, fingerprintOf(pair));
    };
    this.#participant = new Participant({
      self,
      records,
      notices,
      isReady: () => probe.ready,
      attempt,
      baseOf: (name) => parts.places.placeFor(name).base?.fingerprint256,
      settle,
      settled,
      logger,
    });
    this.#rotation = new Rotation({ ...fleet, records, notices, attempt, onStep });
  }

  /** How this process is named in `confirmedBy`. */
  get self(): string {
    return this.#options.fleet?.roster.self ?? this.#options.processId ?? `pid ${process.pid}`;
  }

  /** Takes part in the transactions of others from now on. */
  start(): void {
    this.#participant?.start();
  }

  /** Leads a change through the fleet, see `Rotation.run`. */
  async run<T>(order: RotationOrder, commit: (by: Confirmation) => Promise<T>): Promise<T> {
    const { name, fingerprint256 } = order;
    try {
      const alone = { confirmedBy: [this.self], missing: [], bases: [] };
      const result = await (this.#rotation?.run(order, commit) ?? commit(alone));
      if (isWatched(order)) this.#watch(name, fingerprint256);
      return result;
    } catch (error) {
      // The commit may have been carried out although its answer was lost: only the state knows.
      if (asGatewayError(error).code === 'SP_STATE_UNREACHABLE') void this.#participant?.follow(name);
      throw error;
    }
  }

  /** Takes how a handshake ended. */
  sample(sample: HandshakeSample): void {
    this.#trials.sample(sample);
  }

  close(): void {
    this.#participant?.close();
  }

  async #attempt(name: string, stored: StoredPair, probe: Probe): Promise<string> {
    const { places } = this.#parts;
    const place = places.placeFor(name);
    const { pair, problems } = places.verdictOf(name, stored);
    const accepted = places.accept(place, { pair, problems, warnings: [] });
    const { preset } = place;
    const found = places.shelf.preview({ name, preset, pair: accepted, source: 'uploaded' });
    return await probe.try(accepted, found);
  }

  #watch(name: string, fingerprint256: string | undefined): void {
    const present = served(this.#parts.places.placeFor(name))?.pair.fingerprint256;
    if (fingerprint256 !== undefined && present === fingerprint256) this.#trials.begin(name, fingerprint256);
  }

  #refused(name: string, fingerprint256: string): void {
    this.#options.logger.error(
      { certificate: name, fingerprint256 },
      'clients refuse the new certificate: the one before it is brought back',
    );
    void this.#parts.undo(name, fingerprint256);
  }
}
