import type { CertificateConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import { type CertificatePair, type CheckOptions, checkPair, type Verdict } from './certificate.ts';
import type { FileReading } from './files.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { depositWins, fingerprintOf, LOST, type Place, type PlacedDeposit, served } from './place.ts';
import { invalid, type Problem, problem, sentences, weigh } from './problem.ts';
import { readOpenPair } from './reading.ts';
import { Shelf, type Shelved } from './shelf.ts';
import type { BrokenDeposit, StoredDeposit, StoredPair } from './vault.ts';

const NAME = /^[a-z0-9](?:[a-z0-9._-]{0,62}[a-z0-9])?$/;
const CONTEXTS = 10_000;

/**
 * What is known under each certificate's name, and what of it is on the shelf. Comes in: pairs from files, the dev CA and
 * the state. Goes out: the shelf, changed in one synchronous step, and calls to whoever listens.
 */
export class Places {
  readonly shelf: Shelf;
  readonly #options: KeeperOptions;
  readonly #places = new Map<string, Place>();
  readonly #clashes = new Map<string, readonly Problem[]>();
  readonly #listeners = new Set<(name: string) => void>();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.shelf = new Shelf(options.contexts ?? CONTEXTS);
  }

  get(name: string): Place | undefined {
    return this.#places.get(name);
  }

  all(): readonly Place[] {
    return [...this.#places.values()];
  }

  /** Gives what keeps that which counts under a name from being served. */
  clashesOf(name: string): readonly Problem[] {
    return this.#clashes.get(name) ?? [];
  }

  /** @throws SP_CERTIFICATE_UNKNOWN when there neither is nor was a pair of this name */
  known(name: string): Place {
    const place = this.#places.get(name);
    if (place === undefined || (place.deposit === undefined && place.base === undefined)) {
      throw new GatewayError('SP_CERTIFICATE_UNKNOWN', { reason: 'unknown-name' });
    }
    return place;
  }

  /** Adds a name of the configuration with the pair that it gives. */
  addConfigured(config: CertificateConfig, base: CertificatePair | undefined): void {
    const { name, tls: preset = this.#options.preset } = config;
    this.#places.set(name, { name, config, preset, base, deposit: undefined, turn: 0 });
  }

  /** Gives the place of a name, a new and empty one when it is unknown, which counts only once it is filled. */
  placeFor(name: string): Place {
    const { preset } = this.#options;
    const empty = { name, config: undefined, preset, base: undefined, deposit: undefined, turn: 0 };
    return this.#places.get(name) ?? empty;
  }

  /** Gives what a certificate of this name is checked against. */
  checks(name: string): CheckOptions {
    return { hosts: this.#options.hostsOf(name), now: this.#options.clock() };
  }

  /** Checks a pair as it was stored. */
  verdictOf(name: string, stored: StoredPair): Verdict {
    const reading = readOpenPair({ certificate: stored.certificate, key: stored.key.reveal() });
    return checkPair(reading, this.checks(name));
  }

  /** Gives the pair of a verdict if it may be served under the place's name. @throws SP_CERTIFICATE_INVALID with every problem */
  accept(place: Place, verdict: Verdict): CertificatePair {
    const { pair } = verdict;
    const { name, preset } = place;
    const problems = [...verdict.problems];
    // What the configuration calls a certificate was judged there.
    if (place.config === undefined && !NAME.test(name)) {
      problems.push(
        problem(
          'certificate-name',
          'The name of a certificate has 1 to 64 of a-z, 0-9, dot, dash and underscore.',
        ),
      );
    }
    if (pair !== undefined) problems.push(...this.#standingInTheWay({ name, preset, pair }));
    if (pair === undefined || problems.length > 0) throw invalid(problems);
    try {
      this.shelf.warm(pair, preset);
    } catch {
      throw invalid([problem('unusable', 'OpenSSL refuses to serve the pair.')]);
    }
    this.#tell(name, 'warn', verdict.warnings, 'a certificate was accepted with a warning');
    return pair;
  }

  /** Gives the hosts of routes that would be left without a certificate if a name served nothing. */
  bareWithout(name: string): readonly string[] {
    return this.#options.hostsOf(name).filter((host) => !this.shelf.hasOther(host, name));
  }

  #standingInTheWay(entry: Pick<Shelved, 'name' | 'pair' | 'preset'>): readonly Problem[] {
    const twin = this.shelf.twinOf(entry);
    if (twin === undefined) return this.shelf.conflicts(entry);
    const text = `The same pair is served as the certificate ${twin}: with two names for it, neither could be rotated.`;
    return [problem('pair-taken', text)];
  }

  /** Remembers what the state holds of a name; `settle` makes it count. */
  take(stored: StoredDeposit | BrokenDeposit): Place {
    if (stored.current === undefined) return this.#takeBroken(stored);
    const { name, version, over, rotatedAtMs } = stored;
    const place = this.placeFor(name);
    this.#places.set(name, place);
    if (place.deposit?.version === version) return place;
    const verdict = this.verdictOf(name, stored.current);
    const { fatal, told } = weigh(verdict.problems);
    this.#tell(name, 'warn', told, 'an uploaded certificate needs attention');
    this.#tell(name, 'error', fatal, 'an uploaded certificate cannot be served');
    const [pair, refused] = fatal.length > 0 ? [undefined, verdict.pair] : [verdict.pair, undefined];
    const previous = fingerprintOf(stored.previous);
    place.deposit = { version, pair, over, previous, rotatedAtMs, problems: sentences(fatal), refused };
    return place;
  }

  /** What was served before is served still; a new upload, even of the same pair, takes the place of what does not open. */
  #takeBroken({ name, broken }: BrokenDeposit): Place {
    const place = this.placeFor(name);
    this.#places.set(name, place);
    const { pair, over = [], previous, rotatedAtMs } = place.deposit ?? {};
    const problems = [`${broken.code}: ${broken.title}.`];
    place.deposit = { version: LOST, pair, over, previous, rotatedAtMs, problems, refused: undefined };
    return place;
  }

  /** Sets what was uploaded, by this process, and serves what then counts. */
  change(place: Place, deposit: PlacedDeposit | undefined): void {
    place.turn++;
    place.deposit = deposit;
    this.#places.set(place.name, place);
    this.settleOrTell(place);
  }

  /** Sets what the configuration gives, and serves what then counts. */
  setBase(place: Place, base: CertificatePair): void {
    place.base = base;
    this.settleOrTell(place);
  }

  /**
   * Brings the shelf in line with a place.
   * @returns why not; what was served before is served still
   */
  settle(place: Place): readonly Problem[] {
    const clashes = this.#bring(place);
    if (clashes.length > 0) this.#clashes.set(place.name, clashes);
    else this.#clashes.delete(place.name);
    return clashes;
  }

  #bring(place: Place): readonly Problem[] {
    const wanted = served(place);
    const present = this.shelf.get(place.name);
    if (wanted === undefined) {
      if (place.config === undefined && place.deposit === undefined) this.#places.delete(place.name);
      if (present === undefined) return [];
      this.shelf.remove(place.name);
      this.#changed(place.name);
      return [];
    }
    if (present?.pair.id === wanted.pair.id && present.source === wanted.source) return [];
    const clashes = this.shelf.conflicts(wanted);
    if (clashes.length > 0) return clashes;
    this.shelf.put(wanted);
    this.#changed(place.name);
    return [];
  }

  settleOrTell(place: Place): void {
    this.#tell(
      place.name,
      'error',
      this.settle(place),
      'a certificate clashes with another and is not served',
    );
    // What another one clashed with may be gone now.
    for (const name of [...this.#clashes.keys()]) if (name !== place.name) this.settle(this.placeFor(name));
  }

  /** Takes over files that changed, unless they are bad: then the old pair is served on and every problem is logged. */
  fileChanged(name: string, reading: FileReading): void {
    const place = this.#places.get(name);
    if (place === undefined) return;
    const { pair, problems, warnings } = checkPair(reading, this.checks(name));
    const clashes = pair === undefined ? [] : this.shelf.conflicts({ name, pair, preset: place.preset });
    const all = [...problems, ...clashes];
    if (pair === undefined || all.length > 0) {
      this.#tell(name, 'error', all, 'changed certificate files are not taken over');
      return;
    }
    this.#tell(name, 'warn', warnings, 'a certificate needs attention');
    if (pair.id === place.base?.id) return;
    const before = depositWins(place);
    this.setBase(place, pair);
    const won = before && !depositWins(place);
    this.#options.logger.info(
      { certificate: name, fingerprint256: pair.fingerprint256, tookOverFromUpload: won },
      'changed certificate files are served',
    );
  }

  onChange(listener: (name: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #changed(name: string): void {
    for (const listener of this.#listeners) listener(name);
  }

  #tell(name: string, level: 'warn' | 'error', problems: readonly Problem[], message: string): void {
    if (problems.length === 0) return;
    this.#options.logger[level]({ certificate: name, problems: sentences(problems) }, message);
  }
}
