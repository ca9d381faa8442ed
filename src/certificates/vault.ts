import { createHash } from 'node:crypto';
import { asGatewayError, GatewayError } from '../errors.ts';
import { JsonFields } from '../lib/json-fields.ts';
import { pagesOf } from '../lib/pages.ts';
import { SealError, type Sealer, sealedBy } from '../lib/seal.ts';
import { Secret } from '../lib/secret.ts';
import type { Records, StoredRecord } from '../state/store.ts';

/** Certificate chain and key as they are kept. */
export interface StoredPair {
  /** Leaf first, PEM. */
  readonly certificate: string;
  /** PKCS#8, PEM. */
  readonly key: Secret;
}

/** An uploaded pair and the one before it. */
export interface Deposit {
  readonly current: StoredPair;
  readonly previous: StoredPair | undefined;
  /** Fingerprints of the certificates in files that the upload took the place of; machines may have different ones. */
  readonly over: readonly string[];
  /** When `current` was uploaded; `undefined` in records from before this was kept. */
  readonly rotatedAtMs: number | undefined;
}

/** A deposit as it was read; pass `version` on to change it. */
export interface StoredDeposit extends Deposit {
  readonly name: string;
  readonly version: number;
}

/** A deposit that is there and does not open. */
export interface BrokenDeposit {
  readonly name: string;
  readonly version: number;
  readonly current?: undefined;
  /** SP_STATE_KEY when another key sealed it, SP_STATE_CORRUPT */
  readonly broken: GatewayError;
}

const INDEX = 'certificates';
const PREFIX = 'certificate/';
const PAGE = 200;
const MOST_ROUNDS = 10;

/** Binds a sealed key to its certificate's name and chain: moved to another record it does not open. */
function sealContext(name: string, certificate: string): string {
  return `${PREFIX}${name}/${createHash('sha256').update(certificate).digest('hex')}`;
}

/**
 * Keeps uploaded pairs in the state, one record per certificate's name.
 *
 * Security: keys are sealed before they leave the process (AES-256-GCM), bound to name and chain.
 */
export class Vault {
  readonly #records: Records;
  readonly #sealer: Sealer;

  constructor({ records, sealer }: { readonly records: Records; readonly sealer: Sealer }) {
    this.#records = records;
    this.#sealer = sealer;
  }

  /** @throws SP_STATE_UNREACHABLE; SP_STATE_KEY when another key sealed it; SP_STATE_CORRUPT */
  async get(name: string): Promise<StoredDeposit | undefined> {
    const record = await this.#records.get(PREFIX + name);
    return record === undefined ? undefined : this.#read(record);
  }

  /** Gives the version of a deposit even if it does not open. @throws SP_STATE_UNREACHABLE */
  async versionOf(name: string): Promise<number | undefined> {
    return (await this.#records.get(PREFIX + name))?.version;
  }

  /** Gives what is stored; what does not open has a version too, so that a new upload can take its place. @throws SP_STATE_UNREACHABLE */
  async present(name: string): Promise<StoredDeposit | BrokenDeposit | undefined> {
    const record = await this.#records.get(PREFIX + name);
    return record === undefined ? undefined : this.#tryRead(record);
  }

  /** Gives every deposit that can be read; `onBroken` is told of each other. @throws SP_STATE_UNREACHABLE */
  async all(onBroken: (deposit: BrokenDeposit) => void): Promise<readonly StoredDeposit[]> {
    const deposits: StoredDeposit[] = [];
    const pages = pagesOf((place) => this.#records.list(INDEX, { limit: PAGE, ...place }));
    for await (const page of pages) {
      for (const record of page) {
        const deposit = this.#tryRead(record);
        if (deposit.current === undefined) onBroken(deposit);
        else deposits.push(deposit);
      }
    }
    return deposits;
  }

  /**
   * Writes a deposit if nobody else did since it was read.
   *
   * @param version - of the record that was read; `undefined` when there was none
   * @returns the new version
   * @throws SP_CERTIFICATE_CONFLICT; SP_STATE_UNREACHABLE
   */
  async put(name: string, deposit: Deposit, version: number | undefined): Promise<number> {
    const { current, previous, over, rotatedAtMs } = deposit;
    const fields = {
      certificate: current.certificate,
      key: this.#seal(name, current),
      previousCertificate: previous?.certificate,
      previousKey: previous === undefined ? undefined : this.#seal(name, previous),
      overAll: over,
      rotatedAtMs,
    };
    const condition = version === undefined ? { ifAbsent: true } : { ifVersion: version };
    const value = Buffer.from(JSON.stringify(fields));
    const written = await this.#records.put(PREFIX + name, value, { ...condition, indexes: [INDEX] });
    if (written === undefined) throw conflict();
    return written;
  }

  /** @throws SP_CERTIFICATE_CONFLICT when it was changed since `version`; SP_STATE_UNREACHABLE */
  async delete(name: string, version: number): Promise<void> {
    if (!(await this.#records.delete(PREFIX + name, { ifVersion: version }))) throw conflict();
  }

  /**
   * Seals every deposit anew that another key than the sealer's first one sealed, while others may go on writing.
   *
   * @returns how many, and the names of those that no key at hand opens
   * @throws SP_STATE_UNREACHABLE, SP_STATE_FULL, SP_STATE_KEY while others seal with an old key
   */
  async reseal(): Promise<{ readonly moved: number; readonly unreadable: readonly string[] }> {
    let moved = 0;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const names = await this.#sealedByOthers();
      const unreadable: string[] = [];
      for (const name of names) {
        const done = await this.#resealOne(name);
        if (done === 'moved') moved++;
        if (done === 'unreadable') unreadable.push(name);
      }
      if (names.length === unreadable.length) return { moved, unreadable };
    }
    throw new GatewayError('SP_STATE_KEY', {
      detail: 'other processes go on sealing with an old key: give them the new one first',
      reason: 'old-key-in-use',
    });
  }

  async #sealedByOthers(): Promise<readonly string[]> {
    const names: string[] = [];
    for await (const page of pagesOf((place) => this.#records.list(INDEX, { limit: PAGE, ...place }))) {
      for (const { key, value } of page) {
        if (!this.#isOurs(value)) names.push(key.slice(PREFIX.length));
      }
    }
    return names;
  }

  /** Whether the sealer's first key sealed what a record holds; what is damaged is nobody's. */
  #isOurs(value: Uint8Array): boolean {
    try {
      const fields = new JsonFields(value, (why) => corrupt(why));
      const sealed = [fields.text('key'), fields.optionalText('previousKey') ?? []].flat();
      return sealed.every((one) => sealedBy(Buffer.from(one, 'base64')) === this.#sealer.keyId);
    } catch {
      return false;
    }
  }

  async #resealOne(name: string): Promise<'moved' | 'unreadable' | 'changed'> {
    try {
      const deposit = await this.get(name);
      if (deposit !== undefined) await this.put(name, deposit, deposit.version);
      return 'moved';
    } catch (error) {
      const { code } = asGatewayError(error);
      // Another process was faster: what it wrote is looked at once more.
      if (code === 'SP_CERTIFICATE_CONFLICT') return 'changed';
      if (code === 'SP_STATE_KEY' || code === 'SP_STATE_CORRUPT') return 'unreadable';
      throw error;
    }
  }

  #seal(name: string, pair: StoredPair): string {
    const sealed = this.#sealer.seal(Buffer.from(pair.key.reveal()), sealContext(name, pair.certificate));
    return Buffer.from(sealed).toString('base64');
  }

  #tryRead(record: StoredRecord): StoredDeposit | BrokenDeposit {
    try {
      return this.#read(record);
    } catch (error) {
      const { key, version } = record;
      return { name: key.slice(PREFIX.length), version, broken: asGatewayError(error) };
    }
  }

  #read(record: StoredRecord): StoredDeposit {
    const name = record.key.slice(PREFIX.length);
    const fields = new JsonFields(record.value, (why) => corrupt(why));
    const previousCertificate = fields.optionalText('previousCertificate');
    return {
      name,
      version: record.version,
      current: this.#open(name, fields.text('certificate'), fields.text('key')),
      previous:
        previousCertificate === undefined
          ? undefined
          : this.#open(name, previousCertificate, fields.text('previousKey')),
      // Once there was a single one.
      over: fields.has('overAll') ? fields.texts('overAll') : [fields.optionalText('over') ?? []].flat(),
      rotatedAtMs: fields.optionalCount('rotatedAtMs'),
    };
  }

  #open(name: string, certificate: string, sealed: string): StoredPair {
    try {
      const key = this.#sealer.open(Buffer.from(sealed, 'base64'), sealContext(name, certificate));
      return { certificate, key: new Secret(Buffer.from(key).toString()) };
    } catch (error) {
      if (error instanceof SealError && error.reason === 'wrong-key') {
        throw new GatewayError('SP_STATE_KEY', { detail: 'an uploaded certificate', reason: 'wrong-key' });
      }
      throw corrupt('the key does not open');
    }
  }
}

function conflict(): GatewayError {
  return new GatewayError('SP_CERTIFICATE_CONFLICT', { reason: 'changed-meanwhile' });
}

function corrupt(why: string): GatewayError {
  return new GatewayError('SP_STATE_CORRUPT', {
    detail: `an uploaded certificate: ${why}`,
    reason: 'garbage',
  });
}
