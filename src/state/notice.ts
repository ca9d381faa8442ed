import { JsonFields } from '../lib/json-fields.ts';

/** What one process tells all others: something that they may have derived from the state is no longer so. */
export type Notice =
  | { readonly kind: 'session-ended'; readonly id: string; readonly user: string }
  | { readonly kind: 'sessions-ended'; readonly user: string }
  /** Its secret, its proofs or its groups are others now; it lives on. */
  | { readonly kind: 'session-changed'; readonly id: string; readonly user: string }
  | { readonly kind: 'api-key-ended'; readonly id: string; readonly user: string }
  | { readonly kind: 'account-changed'; readonly name: string }
  | { readonly kind: 'account-removed'; readonly name: string }
  | { readonly kind: 'token-revoked'; readonly jti: string; readonly untilSec: number }
  | { readonly kind: 'subject-revoked'; readonly subject: string; readonly beforeSec: number }
  | { readonly kind: 'certificate-changed'; readonly name: string }
  /** One that is not served yet waits for every process to try it. */
  | { readonly kind: 'certificate-staged'; readonly name: string };

/** Gives a notice as UTF-8 JSON. */
export function encodeNotice(notice: Notice): Uint8Array {
  return Buffer.from(JSON.stringify(notice));
}

/**
 * Reads a notice.
 * @returns `undefined` for a kind that only a newer version knows
 * @throws TypeError for anything that is not a whole notice
 */
export function decodeNotice(bytes: Uint8Array): Notice | undefined {
  const fields = new JsonFields(bytes, (why) => new TypeError(`notice: ${why}`));
  const kind = fields.text('kind');
  switch (kind) {
    case 'session-ended':
    case 'session-changed':
    case 'api-key-ended':
      return { kind, id: fields.text('id'), user: fields.text('user') };
    case 'sessions-ended':
      return { kind, user: fields.text('user') };
    case 'account-changed':
    case 'account-removed':
    case 'certificate-changed':
    case 'certificate-staged':
      return { kind, name: fields.text('name') };
    case 'token-revoked':
      return { kind, jti: fields.text('jti'), untilSec: fields.count('untilSec') };
    case 'subject-revoked':
      return { kind, subject: fields.text('subject'), beforeSec: fields.count('beforeSec') };
    default:
      return undefined;
  }
}
