import { GatewayError } from '../errors.ts';
import { JsonFields } from '../lib/json-fields.ts';
import type { ApiKey } from './api-key.ts';

/** An app password as the state keeps it; it holds the hash only. */
export interface KeyRecord {
  readonly id: string;
  readonly keyHash: string;
  readonly name: string;
  readonly owner: string;
  readonly account: string | undefined;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly routes: readonly string[];
  readonly methods: readonly string[];
  readonly addresses: readonly string[];
  readonly createdAtMs: number;
  /** When its owner, whom no account vouches for, last signed in. */
  readonly confirmedAtMs: number;
  readonly expiresAtMs: number | undefined;
  readonly lastUsedMs: number | undefined;
  readonly lastAddress: string | undefined;
}

/** Gives the stored form, UTF-8 JSON. */
export function encodeKey(record: KeyRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** Reads a stored app password. @throws SP_STATE_CORRUPT unless it is whole and belongs to `id` */
export function decodeKey(id: string, value: Uint8Array): KeyRecord {
  const fail = (why: string) =>
    new GatewayError('SP_STATE_CORRUPT', { detail: `app password ${id}: ${why}`, reason: 'garbage-record' });
  const fields = new JsonFields(value, fail);
  if (fields.text('id') !== id) throw fail('it is the record of another one');
  return {
    id,
    keyHash: fields.text('keyHash'),
    name: fields.text('name'),
    owner: fields.text('owner'),
    account: fields.optionalText('account'),
    groups: fields.texts('groups'),
    email: fields.optionalText('email'),
    routes: fields.texts('routes'),
    methods: fields.texts('methods'),
    addresses: fields.texts('addresses'),
    createdAtMs: fields.count('createdAtMs'),
    confirmedAtMs: fields.optionalCount('confirmedAtMs') ?? fields.count('createdAtMs'),
    expiresAtMs: fields.optionalCount('expiresAtMs'),
    lastUsedMs: fields.optionalCount('lastUsedMs'),
    lastAddress: fields.optionalText('lastAddress'),
  };
}

/** Gives what may be shown of a record. */
export function keyOf(record: KeyRecord): ApiKey {
  const { id, name, owner, account, groups, email, routes, methods, addresses, lastAddress } = record;
  return {
    id,
    name,
    owner,
    account,
    groups,
    email,
    bounds: { routes, methods, addresses },
    createdAtSec: Math.floor(record.createdAtMs / 1000),
    expiresAtSec: seconds(record.expiresAtMs),
    lastUsedSec: seconds(record.lastUsedMs),
    lastAddress,
  };
}

function seconds(ms: number | undefined): number | undefined {
  return ms === undefined ? undefined : Math.floor(ms / 1000);
}
