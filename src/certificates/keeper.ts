import { asGatewayError, GatewayError } from '../errors.ts';
import { atMost } from '../lib/at-most.ts';
import { devCaFor, loadBases } from './base-pairs.ts';
import { type CertificatePair, checkPair } from './certificate.ts';
import { type CertificateView, type PairUpload, type RotationResult, viewOf } from './certificate-view.ts';
import { DepositSync } from './deposit-sync.ts';
import type { DevCa } from './dev-ca.ts';
import { FileWatch } from './file-watch.ts';
import type { FileReading } from './files.ts';
import { Inventory } from './inventory.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { readPkcs12 } from './pkcs12.ts';
import { depositWins, fingerprintOf, LOST, type Place, served, storedOf } from './place.ts';
import { Places } from './places.ts';
import { invalid, problem, sentences } from './problem.ts';
import { readPair } from './reading.ts';
import { renewDevPairs } from './renew-dev-pairs.ts';
import type { Confirmation, RotationCause } from './rotation/rotation.ts';
import { Rotations } from './rotation/rotations.ts';
import type { HandshakeSample } from './rotation/trials.ts';
import type { Found } from './shelf.ts';
import { Vault } from './vault.ts';

export type { CertificateView, Found, KeeperOptions, PairUpload, RotationResult };

/**
 * The certificates of the house. Comes in: configuration, files, uploads. Goes out: what a handshake needs, by server name.
 */

const POLL_MS = 1000;
const RENEWAL_MS = 3600_000;

/**
 * Keeps the pair of every certificate, one of them served at any time.
 *
 * An upload wins over a dev certificate until it is removed, and over files until the files change after it; files that
 * return to the certificate which the upload replaced give way to it again. Uploads under a name that the configuration
 * does not know are accepted as long as no other certificate serves their host names with the same type of key.
 *
 * A swap is one synchronous step between two handshakes: there is no moment without a pair, and open connections go on.
 */
export class Keeper {
  /** To look at what is served and what is stored but not served. */
  readonly inventory: Inventory;
  readonly #options: KeeperOptions;
  readonly #vault: Vault;
  readonly #places: Places;
  readonly #sync: DepositSync;
  readonly #watch: FileWatch;
  readonly #rotations: Rotations;
  #renewal: NodeJS.Timeout | undefined;
  #ca: DevCa | undefined;
  /** One after the other, so that the threads which derive keys are left to the rest of the house. */
  readonly #readInTurn = atMost(1);
  /** Changes are made one after the other, so that each is checked against what the one before it left. */
  readonly #inTurn = atMost(1);

  private constructor(options: KeeperOptions) {
    this.#options = options;
    this.#vault = new Vault(options);
    this.#places = new Places(options);
    this.inventory = new Inventory(this.#places);
    this.#sync = new DepositSync(options, this.#vault, this.#places);
    this.#rotations = new Rotations(options, {
      places: this.#places,
      settle: (name) => this.#sync.reload(name),
      undo: (name, fingerprint256) => this.#undo(name, fingerprint256),
    });
    const { logger, pollMs = POLL_MS } = options;
    const onReading = (name: string, reading: FileReading): void => this.#places.fileChanged(name, reading);
    this.#watch = new FileWatch({ logger, pollMs, onReading });
  }

  /**
   * Loads every pair: dev certificates (made on first start), files, uploads. An unreachable state does not stop it:
   * files and dev certificates are served and the uploads follow when the state is back.
   *
   * @throws SP_CONFIG_INVALID with every problem: a pair that cannot be served, a host name that two certificates claim
   */
  static async open(options: KeeperOptions): Promise<Keeper> {
    const keeper = new Keeper(options);
    try {
      await keeper.#start();
    } catch (error) {
      keeper.close();
      throw error;
    }
    return keeper;
  }

  /** Gives what serves a server name in any spelling: exact name, then one-label wildcard; `undefined` when nothing does. */
  find(serverName: string | undefined): Found | undefined {
    return serverName === undefined ? undefined : this.#places.shelf.find(serverName);
  }

  /** Gives one certificate by its own name, e.g. the default one; a new answer after each change. */
  byName(name: string): Found | undefined {
    return this.#places.shelf.alone(name);
  }

  /** Gives the pair that is served under a certificate's name. */
  pairOf(name: string): CertificatePair | undefined {
    return this.#places.shelf.get(name)?.pair;
  }

  /** Whether a certificate covers a host. */
  covers(host: string): boolean {
    return this.#places.shelf.find(host) !== undefined;
  }

  /** Gives the id of the TLS policy that a host demands; hosts without a certificate demand that of the default one. */
  policyOf(host: string): string {
    const { defaultCertificate, preset } = this.#options;
    const found = this.#places.shelf.find(host);
    if (found !== undefined) return found.policyId;
    return (
      (defaultCertificate === undefined ? undefined : this.#places.shelf.get(defaultCertificate)?.preset) ??
      preset
    );
  }

  /** Gives what is served, ordered by name. */
  list(): readonly CertificateView[] {
    return this.#places.shelf.all().map(viewOf);
  }

  /** Gives when each served certificate ends, seconds since the epoch, for the metric. */
  expiries(): readonly { readonly name: string; readonly notAfterSec: number }[] {
    return this.#places.shelf
      .all()
      .map(({ name, pair }) => ({ name, notAfterSec: Math.floor(pair.notAfterMs / 1000) }));
  }

  /** Calls back with a certificate's name after each swap or removal, until the returned function is called. */
  onChange(listener: (name: string) => void): () => void {
    return this.#places.onChange(listener);
  }

  /**
   * Checks an upload, has every process of the fleet try it, stores it, and then all serve it to new handshakes. The same pair
   * again changes nothing. When clients refuse it in the first seconds, the pair before it is brought back.
   *
   * @throws SP_CERTIFICATE_INVALID with every problem, while the old pair is still served; SP_CERTIFICATE_CONFLICT when it is
   * or was rotated meanwhile; SP_CERTIFICATE_UNCONFIRMED with every process that cannot serve it, and then none does;
   * SP_STATE_UNREACHABLE when it could not be stored, and then it is not served either
   */
  async rotate(
    name: string,
    upload: PairUpload,
    cause: 'upload' | 'acme' = 'upload',
  ): Promise<RotationResult> {
    // It replaces what counts as it comes: to read it may take a while. Whether it is good is told first.
    const version = this.#vault.versionOf(name);
    version.catch(() => undefined);
    const reading = await this.#readInTurn(async () =>
      'pkcs12' in upload ? await readPkcs12(upload) : await readPair(upload),
    );
    const place = this.#places.placeFor(name);
    const pair = await this.#inTurn(async () =>
      this.#places.accept(place, checkPair(reading, this.#places.checks(name))),
    );
    const present = served(this.#places.placeFor(name))?.pair.id;
    if (present === pair.id && place.deposit?.version !== LOST)
      return resultOf(pair, place, { confirmedBy: [this.#rotations.self], missing: [] });
    return await this.#change(name, pair, { version: await version, cause });
  }

  /**
   * Serves the pair before the present one again; a second rollback undoes the first.
   *
   * @param from - fingerprint of the pair to leave because clients refuse it, and no other one
   * @throws SP_CERTIFICATE_UNKNOWN, SP_CERTIFICATE_NO_PREVIOUS, SP_CERTIFICATE_CONFLICT, SP_CERTIFICATE_UNCONFIRMED;
   * SP_CERTIFICATE_INVALID when the previous pair does not pass today's checks
   */
  async rollback(name: string, from?: string): Promise<RotationResult> {
    const place = this.#places.known(name);
    const record = await this.#vault.get(name);
    if (from !== undefined && fingerprintOf(record?.current) !== from) {
      throw new GatewayError('SP_CERTIFICATE_CONFLICT', { reason: 'changed-meanwhile' });
    }
    const target = depositWins(place) ? record?.previous : record?.current;
    if (target === undefined) throw new GatewayError('SP_CERTIFICATE_NO_PREVIOUS', { reason: 'no-previous' });
    const pair = this.#places.accept(place, this.#places.verdictOf(name, target));
    const cause = from === undefined ? 'rollback' : 'refused-by-clients';
    return await this.#change(name, pair, { version: record?.version, cause });
  }

  /**
   * Removes an upload and its previous pair; what the configuration gives is served again.
   *
   * @throws SP_CERTIFICATE_UNKNOWN; SP_CERTIFICATE_INVALID when nothing was uploaded, or routes would be left without a certificate
   */
  async remove(name: string): Promise<void> {
    const before = served(this.#places.known(name))?.pair.fingerprint256;
    const nothing = { pair: undefined, fingerprint256: undefined, claims: false };
    const order = { ...nothing, name, before, cause: 'removal' as const };
    await this.#rotations.run(order, () => this.#inTurn(() => this.#removeUpload(name)));
  }

  /** Takes how a handshake ended. */
  sampleHandshake(sample: HandshakeSample): void {
    this.#rotations.sample(sample);
  }

  /** Looks at the files and renews due dev certificates at once, as on a reload, instead of when it is their time. */
  async refresh(): Promise<void> {
    await this.#watch.refresh();
    await this.#renew();
  }

  /** Stops watching, renewing and listening; contexts that were given out stay good. Safe to call twice. */
  close(): void {
    clearInterval(this.#renewal);
    this.#watch.close();
    this.#sync.close();
    this.#rotations.close();
  }

  async #start(): Promise<void> {
    const { configs } = this.#options;
    // Listen first, read after: a change in between is heard.
    this.#sync.listen();
    this.#ca = await devCaFor(configs, this.#options);
    const bases = await loadBases(configs, this.#options, this.#ca);
    for (const config of configs) this.#places.addConfigured(config, bases.get(config.name)?.pair);
    for (const stored of (await this.#sync.readAll()) ?? []) this.#places.take(stored);
    const problems: string[] = [];
    for (const place of this.#places.all()) {
      const { name, config } = place;
      const missing = served(place) === undefined ? (bases.get(name)?.problems ?? []) : [];
      if (config === undefined) this.#places.settleOrTell(place);
      const clashes = config === undefined ? [] : this.#places.settle(place);
      problems.push(
        ...sentences([...missing, ...clashes]).map((sentence) => `certificate ${name}: ${sentence}`),
      );
    }
    if (problems.length > 0) {
      throw new GatewayError('SP_CONFIG_INVALID', {
        detail: problems.join('; '),
        reason: 'certificates',
        problems,
      });
    }
    for (const { name, source } of configs) {
      if (source.kind === 'files') this.#watch.add(name, source, bases.get(name)?.stamp ?? '');
    }
    this.#rotations.start();
    this.#renewal = setInterval(() => void this.#renew(), RENEWAL_MS).unref();
  }

  async #removeUpload(name: string): Promise<void> {
    const place = this.#places.known(name);
    const version = await this.#vault.versionOf(name);
    const hosts = this.#places.bareWithout(name);
    if (version === undefined && place.deposit === undefined) {
      throw invalid([
        problem('configured', 'The certificate comes from the configuration: remove it there.'),
      ]);
    }
    if (place.base === undefined && hosts.length > 0) {
      throw invalid([problem('in-use', `${hosts.join(', ')} would be left without a certificate.`)]);
    }
    if (version !== undefined) await this.#vault.delete(name, version);
    this.#places.change(place, undefined);
    await this.#sync.publish(name);
  }

  /** Has the fleet try a pair, then makes it count, if what is stored is in this version still. */
  async #change(
    name: string,
    pair: CertificatePair,
    { version, cause }: { readonly version: number | undefined; readonly cause: RotationCause },
  ): Promise<RotationResult> {
    const present = served(this.#places.placeFor(name))?.pair;
    const claims =
      pair.keyType !== present?.keyType || pair.names.some((host) => !present.names.includes(host));
    const before = present?.fingerprint256;
    const { fingerprint256 } = pair;
    const order = { name, pair: storedOf(pair), fingerprint256, before, cause, claims };
    return await this.#rotations.run(order, (by) =>
      this.#inTurn(async () => {
        const place = this.#places.placeFor(name);
        // Another certificate may have taken its host names meanwhile.
        this.#places.accept(place, { pair, problems: [], warnings: [] });
        await this.#store(place, pair, { version, bases: by.bases });
        return resultOf(pair, place, by);
      }),
    );
  }

  async #undo(name: string, fingerprint256: string): Promise<void> {
    try {
      await this.rollback(name, fingerprint256);
    } catch (error) {
      const { code, detail } = asGatewayError(error);
      this.#options.logger.warn(
        { certificate: name, code, detail },
        'the certificate before was not brought back',
      );
    }
  }

  /** Stores a pair as the upload of a place, then serves it, then tells the other processes. */
  async #store(
    place: Place,
    pair: CertificatePair,
    { version: expected, bases }: { readonly version: number | undefined; readonly bases: readonly string[] },
  ): Promise<void> {
    const { name } = place;
    const record = await this.#vault.present(name);
    const before = served(place)?.pair;
    // Another process may have rotated and we have not heard of it yet: its pair is the previous one then.
    const missed = record?.current !== undefined && record.version !== place.deposit?.version;
    const previous = missed ? record.current : before === undefined ? undefined : storedOf(before);
    const over = [...new Set([place.base?.fingerprint256 ?? [], bases].flat())];
    const rotatedAtMs = this.#options.clock();
    const stored = { current: storedOf(pair), previous, over, rotatedAtMs };
    const version = await this.#vault.put(name, stored, expected);
    const known = { pair, over, previous: fingerprintOf(previous), rotatedAtMs };
    this.#places.change(place, { version, ...known, problems: [], refused: undefined });
    await this.#sync.publish(name);
    this.#options.logger.info(
      { certificate: name, fingerprint256: pair.fingerprint256 },
      'a certificate was rotated',
    );
  }

  async #renew(): Promise<void> {
    if (this.#ca !== undefined) await renewDevPairs(this.#places, this.#options, this.#ca);
  }
}

function resultOf(
  { fingerprint256 }: CertificatePair,
  place: Place,
  { confirmedBy, missing }: Pick<Confirmation, 'confirmedBy' | 'missing'>,
): RotationResult {
  const previous = place.deposit?.previous;
  return { name: place.name, fingerprint256, previous, confirmedBy, missing };
}
