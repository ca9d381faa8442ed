import { GatewayError } from '../errors.ts';
import type { MethodName } from '../exchange.ts';
import { JsonFields } from '../lib/json-fields.ts';
import type { NewSession, Session, SessionProvider, SessionView } from './session.ts';

/** A session as the state keeps it: plain JSON, for it holds no secret, only the hash of one. */
export interface SessionRecord {
  readonly id: string;
  /** SHA-256 of the secret, base64url. */
  readonly secretHash: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly method: MethodName;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly address: string | undefined;
  readonly device: string | undefined;
  readonly account: string | undefined;
  readonly provider: SessionProvider | undefined;
  readonly parent: string | undefined;
  readonly createdAtMs: number;
  readonly lastSeenMs: number;
  readonly expiresAtMs: number;
  readonly authenticatedAtSec: number | undefined;
  readonly secondFactorAtSec: number | undefined;
}

const MAX_DEVICE = 256;
const METHODS: readonly MethodName[] = ['token', 'basic', 'session', 'oidc', 'apiKey', 'certificate'];

/** Gives the record of a session that begins now. */
export function newRecord(
  order: NewSession,
  made: { readonly id: string; readonly secretHash: string; readonly nowMs: number; readonly ttlMs: number },
): SessionRecord {
  const { id, secretHash, nowMs, ttlMs } = made;
  return {
    id,
    secretHash,
    user: order.user,
    groups: order.groups,
    email: order.email,
    method: order.method,
    claims: order.claims ?? {},
    address: order.address,
    device: order.device?.slice(0, MAX_DEVICE),
    account: order.account,
    provider: order.provider,
    parent: order.parent,
    createdAtMs: nowMs,
    lastSeenMs: nowMs,
    expiresAtMs: nowMs + ttlMs,
    ...(order.proof ?? { authenticatedAtSec: Math.floor(nowMs / 1000), secondFactorAtSec: undefined }),
  };
}

/** Gives a session's stored form, UTF-8 JSON. */
export function encodeSession(record: SessionRecord): Uint8Array {
  const { provider, ...rest } = record;
  const { name: providerName, sid: providerSid, subject: providerSubject } = provider ?? {};
  return Buffer.from(JSON.stringify({ ...rest, providerName, providerSid, providerSubject }));
}

/** Reads a session's stored form. @throws SP_STATE_CORRUPT unless it is whole and belongs to `id` */
export function decodeSession(id: string, value: Uint8Array): SessionRecord {
  const fail = (why: string) =>
    new GatewayError('SP_STATE_CORRUPT', { detail: `session ${id}: ${why}`, reason: 'garbage-record' });
  const fields = new JsonFields(value, fail);
  if (fields.text('id') !== id) throw fail('it is the record of another session');
  const methodText = fields.text('method');
  const method = METHODS.find((name) => name === methodText);
  if (method === undefined) throw fail('its method is unknown');
  return {
    id,
    secretHash: fields.text('secretHash'),
    user: fields.text('user'),
    groups: fields.texts('groups'),
    email: fields.optionalText('email'),
    method,
    claims: fields.object('claims'),
    address: fields.optionalText('address'),
    device: fields.optionalText('device'),
    account: fields.optionalText('account'),
    provider: providerOf(fields),
    parent: fields.optionalText('parent'),
    createdAtMs: fields.count('createdAtMs'),
    lastSeenMs: fields.count('lastSeenMs'),
    expiresAtMs: fields.count('expiresAtMs'),
    authenticatedAtSec: fields.optionalCount('authenticatedAtSec'),
    secondFactorAtSec: fields.optionalCount('secondFactorAtSec'),
  };
}

/** Gives what may be shown of a record. */
export function sessionOf(record: SessionRecord, seenMs: number): Session {
  const { secretHash: _, parent: ___, createdAtMs, lastSeenMs: __, expiresAtMs, ...rest } = record;
  return {
    ...rest,
    createdAtSec: Math.floor(createdAtMs / 1000),
    lastSeenSec: Math.floor(seenMs / 1000),
    expiresAtSec: Math.floor(expiresAtMs / 1000),
  };
}

function providerOf(fields: JsonFields): SessionProvider | undefined {
  const name = fields.optionalText('providerName');
  if (name === undefined) return undefined;
  const sid = fields.optionalText('providerSid');
  return { name, sid, subject: fields.optionalText('providerSubject') };
}

/** Gives the part of a session that lists show. */
export function viewOf(session: Session): SessionView {
  const { id, user, groups, email, createdAtSec, lastSeenSec, expiresAtSec, address, device } = session;
  return { id, user, groups, email, createdAtSec, lastSeenSec, expiresAtSec, address, device };
}
