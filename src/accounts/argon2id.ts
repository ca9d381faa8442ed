import crypto from 'node:crypto';
import { GatewayError } from '../errors.ts';

/** What an argon2id hash costs (RFC 9106 §3.1). */
export interface HashParameters {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly parallelism: number;
}

/** OWASP Password Storage Cheat Sheet: argon2id with 19 MiB, 2 passes, 1 lane. */
export const DEFAULT_HASH_PARAMETERS: HashParameters = { memoryKiB: 19_456, passes: 2, parallelism: 1 };

/** A hash in the PHC string format: `$argon2id$v=19$m=19456,t=2,p=1$salt$tag`, base64 without padding. */
export interface Argon2idHash extends HashParameters {
  readonly salt: Buffer;
  readonly tag: Buffer;
}

const SALT_BYTES = 16;
const TAG_BYTES = 32;
const PHC =
  /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,3}),p=(\d{1,3})\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})$/;
const MAX_MEMORY_KIB = 1024 * 1024;
const MAX_PASSES = 64;
const MAX_PARALLELISM = 16;
/** Memory times passes: what one verification may cost, some seconds. */
const MAX_WORK_KIB = 4 * MAX_MEMORY_KIB;

/** Reads a PHC string. @returns `undefined` when it is malformed, or costs so much that one sign-in would stop the machine */
export function parseArgon2id(text: string): Argon2idHash | undefined {
  const match = PHC.exec(text);
  if (match === null) return undefined;
  const [, m, t, p, salt = '', tag = ''] = match;
  const [memoryKiB, passes, parallelism] = [Number(m), Number(t), Number(p)];
  const bounded =
    parallelism >= 1 &&
    parallelism <= MAX_PARALLELISM &&
    passes >= 1 &&
    passes <= MAX_PASSES &&
    memoryKiB >= 8 * parallelism &&
    memoryKiB <= MAX_MEMORY_KIB &&
    memoryKiB * passes <= MAX_WORK_KIB;
  if (!bounded) return undefined;
  const bytes = { salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
  return { memoryKiB, passes, parallelism, ...bytes };
}

/** Writes a PHC string. */
export function formatArgon2id({ memoryKiB, passes, parallelism, salt, tag }: Argon2idHash): string {
  const fields = `m=${memoryKiB},t=${passes},p=${parallelism}`;
  return `$argon2id$v=19$${fields}$${base64(salt)}$${base64(tag)}`;
}

/** Hashes a password under a new salt. @throws SP_AUTHENTICATE_UNAVAILABLE when this Node has no argon2 */
export async function hashArgon2id(password: string, parameters: HashParameters): Promise<string> {
  const salt = crypto.randomBytes(SALT_BYTES);
  const tag = await derive(password, { ...parameters, salt }, TAG_BYTES);
  return formatArgon2id({ ...parameters, salt, tag });
}

/** Tells whether a password has this hash, comparing in constant time. @throws SP_AUTHENTICATE_UNAVAILABLE when this Node has no argon2 */
export async function verifyArgon2id(hash: Argon2idHash, password: string): Promise<boolean> {
  return crypto.timingSafeEqual(await derive(password, hash, hash.tag.length), hash.tag);
}

function derive(
  password: string,
  { memoryKiB, passes, parallelism, salt }: HashParameters & { readonly salt: Buffer },
  tagLength: number,
): Promise<Buffer> {
  // Named imports would keep an older Node from starting at all; a Node on an older OpenSSL has the function and throws.
  if (typeof crypto.argon2 !== 'function') throw missing();
  const parameters = {
    message: Buffer.from(password),
    nonce: salt,
    memory: memoryKiB,
    passes,
    parallelism,
    tagLength,
  };
  return new Promise((resolve, reject) => {
    crypto.argon2('argon2id', parameters, (error, tag) => (error ? reject(missing(error)) : resolve(tag)));
  });
}

function missing(cause?: Error): GatewayError {
  return new GatewayError('SP_AUTHENTICATE_UNAVAILABLE', {
    reason: 'argon2-missing',
    detail: 'argon2id cannot be computed: Node 24.7 or newer, built with OpenSSL 3.2 or newer, is needed',
    cause,
  });
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '');
}
