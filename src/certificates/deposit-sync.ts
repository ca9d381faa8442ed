import { asGatewayError } from '../errors.ts';
import type { KeeperOptions } from './keeper-options.ts';
import { LOST, type Place } from './place.ts';
import type { Places } from './places.ts';
import type { BrokenDeposit, StoredDeposit, Vault } from './vault.ts';

const RETRY_MS = 2000;

/** Brings uploads from the state to the places: all on start and after a gap, one when another process changed it. */
export class DepositSync {
  readonly #options: KeeperOptions;
  readonly #vault: Vault;
  readonly #places: Places;
  readonly #ends: (() => void)[] = [];
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: KeeperOptions, vault: Vault, places: Places) {
    this.#options = options;
    this.#vault = vault;
    this.#places = places;
  }

  /** Listens to the notices of other processes. */
  listen(): void {
    const { notices } = this.#options;
    if (notices === undefined) return;
    const end = notices.on((notice) => {
      if (notice.kind === 'certificate-changed' && notice.name !== undefined) void this.reload(notice.name);
    });
    this.#ends.push(end);
    if (notices.onGap !== undefined) this.#ends.push(notices.onGap(() => void this.loadAll()));
  }

  /** Gives every upload, `undefined` while the state cannot be reached: then it is asked again until it answers. */
  async readAll(): Promise<readonly (StoredDeposit | BrokenDeposit)[] | undefined> {
    const broken: BrokenDeposit[] = [];
    try {
      const stored = await this.#vault.all((deposit) => broken.push(deposit));
      for (const deposit of broken) this.#failed(deposit.broken, deposit.name);
      return [...stored, ...broken];
    } catch (error) {
      this.#failed(error);
      this.#tryLater(() => this.loadAll());
      return undefined;
    }
  }

  /** Reads every upload anew and serves what then counts. Never rejects. */
  async loadAll(): Promise<void> {
    const turns = new Map(this.#places.all().map((place) => [place, place.turn]));
    const stored = await this.readAll();
    if (stored === undefined || this.#closed) return;
    const present = new Map(stored.map((deposit) => [deposit.name, deposit]));
    for (const place of this.#places.all()) {
      if (turns.get(place) !== place.turn) present.delete(place.name);
      else if (!present.has(place.name) && place.deposit !== undefined) await this.reload(place.name);
    }
    for (const deposit of present.values()) this.#places.settleOrTell(this.#places.take(deposit));
  }

  /** Reads one upload anew and serves what then counts. Never rejects. */
  async reload(name: string): Promise<void> {
    try {
      let place: Place;
      let turn: number;
      let stored: StoredDeposit | BrokenDeposit | undefined;
      do {
        place = this.#places.placeFor(name);
        turn = place.turn;
        stored = await this.#vault.present(name);
        // What this process changed while the state was answering is newer than the answer.
      } while (this.#places.placeFor(name).turn !== turn);
      if (this.#closed) return;
      if (stored !== undefined && 'broken' in stored) this.#failed(stored.broken, name);
      if (stored !== undefined) place = this.#places.take(stored);
      else if (this.#isLost(place)) this.#tellLost(place);
      else place.deposit = undefined;
      this.#places.settleOrTell(place);
    } catch (error) {
      this.#failed(error, name);
      if (asGatewayError(error).code === 'SP_STATE_UNREACHABLE') this.#tryLater(() => this.loadAll());
    }
  }

  /** Tells the other processes that an upload changed. Never rejects. */
  async publish(name: string): Promise<void> {
    try {
      await this.#options.notices?.publish({ kind: 'certificate-changed', name });
    } catch (error) {
      // It is stored and served here; the others read the state anew as soon as they reach it again.
      const { code, reason } = asGatewayError(error);
      this.#options.logger.warn(
        { certificate: name, code, reason },
        'other processes were not told of a rotation',
      );
    }
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#retry);
    for (const end of this.#ends.splice(0)) end();
  }

  /** Nobody may remove what hosts need, so the state was emptied or put back to an older time. */
  #isLost({ name, base, deposit }: Place): boolean {
    return deposit?.pair !== undefined && base === undefined && this.#places.bareWithout(name).length > 0;
  }

  #tellLost(place: Place): void {
    if (place.deposit === undefined || place.deposit.version === LOST) return;
    place.deposit = { ...place.deposit, version: LOST };
    this.#options.logger.error(
      { certificate: place.name },
      'the state has lost an uploaded certificate: it is served until this process ends, upload it again',
    );
  }

  #tryLater(work: () => Promise<void>): void {
    if (this.#closed) return;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void work(), RETRY_MS).unref();
  }

  #failed(error: unknown, certificate?: string): void {
    const { code, reason, detail } = asGatewayError(error);
    this.#options.logger.error({ certificate, code, reason, detail }, 'uploaded certificates cannot be read');
  }
}
