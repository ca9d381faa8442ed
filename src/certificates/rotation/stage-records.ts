import { GatewayError } from '../../errors.ts';
import { JsonFields } from '../../lib/json-fields.ts';
import { pagesOf } from '../../lib/pages.ts';
import type { Sealer } from '../../lib/seal.ts';
import { Secret } from '../../lib/secret.ts';
import type { Records, StoredRecord } from '../../state/store.ts';
import type { StoredPair } from '../vault.ts';

/** A pair that every process is to try before it counts. */
export interface Stage {
  /** Name of the certificate. */
  readonly name: string;
  /** Id of the transaction. */
  readonly rotation: string;
  /** Id of the process that leads it. */
  readonly by: string;
  /** `undefined` when there is nothing to try: then the stage only says that the certificate is being changed. */
  readonly pair: StoredPair | undefined;
  /** Whether handshakes are watched after the commit. */
  readonly watched: boolean;
}

/** What one process found out about a staged pair. */
export interface StageAnswer {
  readonly process: string;
  /** Of the leaf that it saw in a handshake with itself. */
  readonly fingerprint256: string | undefined;
  /** Why there is none. */
  readonly problem: string | undefined;
  /** Fingerprint of what its own configuration gives the certificate. */
  readonly base: string | undefined;
}

const STAGES = 'certificate-stages';
const PREFIX = 'certificate-stage/';
const ANSWERS = 'certificate-answers/';
const PAGE = 1000;
/** Longer than a transaction takes; then a stage whose leader died is gone. */
const STAGE_MS = 15_000;
const ANSWER_MS = 30_000;

/**
 * Keeps stages and answers in the state while a transaction is under way.
 *
 * Security: the key is sealed, bound to the certificate's name and the transaction.
 */
export class StageRecords {
  readonly #records: Records;
  readonly #sealer: Sealer;

  constructor({ records, sealer }: { readonly records: Records; readonly sealer: Sealer }) {
    this.#records = records;
    this.#sealer = sealer;
  }

  /** Writes a stage, or lets it live on. @returns its version, for `delete`; @throws SP_STATE_UNREACHABLE */
  async put({ name, rotation, by, pair, watched }: Stage): Promise<number | undefined> {
    const key = pair && this.#sealer.seal(Buffer.from(pair.key.reveal()), `${PREFIX}${name}/${rotation}`);
    const fields = {
      rotation,
      by,
      watched,
      certificate: pair?.certificate,
      key: key && Buffer.from(key).toString('base64'),
    };
    const value = Buffer.from(JSON.stringify(fields));
    return await this.#records.put(PREFIX + name, value, { ttlMs: STAGE_MS, indexes: [STAGES] });
  }

  /** Gives the id of the transaction that is under way for a certificate. @throws SP_STATE_UNREACHABLE */
  async present(name: string): Promise<string | undefined> {
    const record = await this.#records.get(PREFIX + name);
    return record && fieldsOf(record.value).text('rotation');
  }

  /** @throws SP_STATE_UNREACHABLE, SP_STATE_KEY, SP_STATE_CORRUPT */
  async get(name: string): Promise<Stage | undefined> {
    const record = await this.#records.get(PREFIX + name);
    return record && this.#read(record);
  }

  /** Gives the names of every certificate with a stage. @throws SP_STATE_UNREACHABLE */
  async names(): Promise<readonly string[]> {
    const records = await this.#all(STAGES);
    return records.map(({ key }) => key.slice(PREFIX.length));
  }

  /** Ends a stage, unless another transaction wrote its own over it. @throws SP_STATE_UNREACHABLE */
  async delete(name: string, version: number): Promise<void> {
    await this.#records.delete(PREFIX + name, { ifVersion: version });
  }

  /** @throws SP_STATE_UNREACHABLE */
  async answer(rotation: string, { process, ...found }: StageAnswer): Promise<void> {
    const index = ANSWERS + rotation;
    const value = Buffer.from(JSON.stringify(found));
    await this.#records.put(`${index}/${process}`, value, { ttlMs: ANSWER_MS, indexes: [index] });
  }

  /** Gives the answers so far. @throws SP_STATE_UNREACHABLE */
  async answers(rotation: string): Promise<readonly StageAnswer[]> {
    const index = ANSWERS + rotation;
    const records = await this.#all(index);
    return records.map(({ key, value }) => {
      const fields = fieldsOf(value);
      return {
        process: key.slice(index.length + 1),
        fingerprint256: fields.optionalText('fingerprint256'),
        problem: fields.optionalText('problem'),
        base: fields.optionalText('base'),
      };
    });
  }

  async #all(index: string): Promise<readonly StoredRecord[]> {
    const pages = pagesOf((place) => this.#records.list(index, { limit: PAGE, ...place }));
    const all: StoredRecord[] = [];
    for await (const page of pages) all.push(...page);
    return all;
  }

  #read({ key, value }: StoredRecord): Stage {
    const name = key.slice(PREFIX.length);
    const fields = fieldsOf(value);
    const rotation = fields.text('rotation');
    const certificate = fields.optionalText('certificate');
    const stage = { name, rotation, by: fields.text('by'), watched: fields.flag('watched') };
    if (certificate === undefined) return { ...stage, pair: undefined };
    const sealed = Buffer.from(fields.text('key'), 'base64');
    const plain = this.#sealer.open(sealed, `${PREFIX}${name}/${rotation}`);
    return { ...stage, pair: { certificate, key: new Secret(Buffer.from(plain).toString()) } };
  }
}

function fieldsOf(value: Uint8Array): JsonFields {
  return new JsonFields(
    value,
    (why) =>
      new GatewayError('SP_STATE_CORRUPT', { detail: `a staged certificate: ${why}`, reason: 'garbage' }),
  );
}
