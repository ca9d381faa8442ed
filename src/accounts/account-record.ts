import { GatewayError } from '../errors.ts';
import { JsonFields } from '../lib/json-fields.ts';
import { hashScheme } from './password-hash.ts';

/** An account as the state keeps it. */
export interface AccountRecord {
  readonly name: string;
  readonly hash: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  /** SHA-256 of the hash that was imported last, base64url; it outlives the upgrade of that hash. */
  readonly imported: string | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

/** Gives an account's stored form, UTF-8 JSON. */
export function encodeAccount(record: AccountRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** Reads an account's stored form. @throws SP_STATE_CORRUPT unless it is whole and belongs to `name` */
export function decodeAccount(name: string, value: Uint8Array): AccountRecord {
  const fail = (why: string) =>
    new GatewayError('SP_STATE_CORRUPT', { detail: `account ${name}: ${why}`, reason: 'garbage-record' });
  const fields = new JsonFields(value, fail);
  if (fields.text('name') !== name) throw fail('it is the record of another account');
  const hash = fields.text('hash');
  if (hashScheme(hash) === undefined) throw fail('its password hash is of no accepted form');
  return {
    name,
    hash,
    groups: fields.texts('groups'),
    email: fields.optionalText('email'),
    imported: fields.optionalText('imported'),
    createdAtMs: fields.count('createdAtMs'),
    updatedAtMs: fields.count('updatedAtMs'),
  };
}
