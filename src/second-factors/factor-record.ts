import { GatewayError } from '../errors.ts';
import { JsonFields } from '../lib/json-fields.ts';

/** An authenticator app as the state keeps it, inside the sealed record of its user. */
export interface TotpRecord {
  readonly id: string;
  readonly name: string;
  /** Base64url. */
  readonly secret: string;
  /** Oldest step that may be accepted yet. */
  readonly nextStep: number;
  readonly createdAtMs: number;
  readonly lastUsedMs: number | undefined;
}

export interface PasskeyRecord {
  /** Credential id, base64url. */
  readonly id: string;
  readonly name: string;
  readonly rpId: string;
  /** COSE key (RFC 9052 §7), base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  readonly backedUp: boolean;
  readonly createdAtMs: number;
  readonly lastUsedMs: number | undefined;
}

/** All factors of one user: one record, so that each change is one atomic step. */
export interface FactorRecord {
  readonly user: string;
  readonly account: string | undefined;
  /** Random name of the user towards authenticators, base64url (WebAuthn §14.6.1: it tells nothing of them). */
  readonly handle: string;
  readonly totp: readonly TotpRecord[];
  /** Authenticator apps that are being added and have not shown a code yet. */
  readonly pending: readonly TotpRecord[];
  readonly passkeys: readonly PasskeyRecord[];
  /** Hashes of the codes that are left. */
  readonly recovery: readonly string[];
}

/** Gives the plain form, UTF-8 JSON, to be sealed. */
export function encodeFactors(record: FactorRecord): Uint8Array {
  return Buffer.from(JSON.stringify(record));
}

/** Reads the plain form. @throws SP_STATE_CORRUPT unless it is whole and belongs to `user` */
export function decodeFactors(user: string, value: Uint8Array): FactorRecord {
  const fail = (why: string) =>
    new GatewayError('SP_STATE_CORRUPT', { detail: `second factors: ${why}`, reason: 'garbage-record' });
  const fields = new JsonFields(value, fail);
  if (fields.text('user') !== user) throw fail('it is the record of another user');
  return {
    user,
    account: fields.optionalText('account'),
    handle: fields.text('handle'),
    totp: fields.objects('totp').map(totpOf),
    pending: fields.objects('pending').map(totpOf),
    passkeys: fields.objects('passkeys').map(passkeyOf),
    recovery: fields.texts('recovery'),
  };
}

function totpOf(fields: JsonFields): TotpRecord {
  return {
    id: fields.text('id'),
    name: fields.text('name'),
    secret: fields.text('secret'),
    nextStep: fields.count('nextStep'),
    createdAtMs: fields.count('createdAtMs'),
    lastUsedMs: fields.optionalCount('lastUsedMs'),
  };
}

function passkeyOf(fields: JsonFields): PasskeyRecord {
  return {
    id: fields.text('id'),
    name: fields.text('name'),
    rpId: fields.text('rpId'),
    publicKey: fields.text('publicKey'),
    counter: fields.count('counter'),
    transports: fields.texts('transports'),
    backedUp: fields.flag('backedUp'),
    createdAtMs: fields.count('createdAtMs'),
    lastUsedMs: fields.optionalCount('lastUsedMs'),
  };
}
