import { GatewayError } from '../errors.ts';
import { hashScheme } from './password-hash.ts';

/** What is to be set on an account; absent fields stay as they are. */
export interface AccountChange {
  /** 8 to 1024 bytes of UTF-8, no control characters. */
  readonly password?: string;
  /** Instead of a password: a hash of an accepted scheme. */
  readonly passwordHash?: string;
  readonly groups?: readonly string[];
  readonly email?: string;
}

const MIN_PASSWORD_BYTES = 8;
/** Most bytes of a password, as UTF-8: what one hash may be fed with. */
export const MAX_PASSWORD_BYTES = 1024;
const MAX_GROUPS = 256;
const MAX_GROUP = 128;
/** RFC 5321 §4.5.3.1.3. */
const MAX_EMAIL = 254;
/** One `@` with something on both sides. */
const EMAIL = /^[^@\s\p{C}]+@[^@\s\p{C}]+$/u;

/**
 * Gives a change in canonical form: email lower-case, groups without duplicates.
 * @throws SP_ADMIN_BAD_REQUEST that names every problem
 */
export function checkChange(change: AccountChange): AccountChange {
  const problems = [...credentialProblems(change), ...groupProblems(change.groups ?? [])];
  const email = change.email?.trim().toLowerCase();
  if (email !== undefined && (email.length > MAX_EMAIL || !EMAIL.test(email))) {
    problems.push('email: not an address with exactly one @');
  }
  if (problems.length > 0) throw new GatewayError('SP_ADMIN_BAD_REQUEST', { problems });
  return {
    ...change,
    ...(change.groups && { groups: [...new Set(change.groups)] }),
    ...(email !== undefined && { email }),
  };
}

function credentialProblems({ password, passwordHash }: AccountChange): string[] {
  const problems: string[] = [];
  if (password !== undefined && passwordHash !== undefined) {
    problems.push('password: not together with passwordHash');
  }
  if (passwordHash !== undefined && hashScheme(passwordHash) === undefined) {
    problems.push('passwordHash: not an accepted argon2id, bcrypt, apr1 or SHA hash');
  }
  if (password === undefined) return problems;
  const bytes = Buffer.byteLength(password);
  if (bytes < MIN_PASSWORD_BYTES) problems.push(`password: at least ${MIN_PASSWORD_BYTES} bytes`);
  if (bytes > MAX_PASSWORD_BYTES) problems.push(`password: at most ${MAX_PASSWORD_BYTES} bytes`);
  // RFC 7617 §2: Basic cannot carry them.
  if (/\p{Cc}/u.test(password)) problems.push('password: no control characters');
  return problems;
}

function groupProblems(groups: readonly string[]): string[] {
  if (groups.length > MAX_GROUPS) return [`groups: at most ${MAX_GROUPS}`];
  // The upstream gets them as one list with commas.
  const bad = (group: string) =>
    group === '' || group.trim() !== group || group.length > MAX_GROUP || /[,\p{C}]/u.test(group);
  const index = groups.findIndex(bad);
  return index < 0
    ? []
    : [`groups: number ${index + 1} is empty, too long or has a comma or unseen characters`];
}
