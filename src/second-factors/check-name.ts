import { GatewayError } from '../errors.ts';
import { isPlainName } from '../lib/plain-name.ts';

const MAX_NAME = 64;

/** Gives what a user calls a factor, trimmed. @throws SP_ADMIN_BAD_REQUEST unless it is 1 to 64 characters that can be seen */
export function checkName(raw: string): string {
  const name = raw.trim();
  if (name.length <= MAX_NAME && isPlainName(name)) return name;
  throw new GatewayError('SP_ADMIN_BAD_REQUEST', { problems: [`name: 1 to ${MAX_NAME} characters`] });
}

/** Throws SP_ADMIN_BAD_REQUEST when a user has as many factors of a kind as there may be. */
export function demandRoom(present: number, most: number): void {
  if (present < most) return;
  throw new GatewayError('SP_ADMIN_BAD_REQUEST', {
    problems: [`at most ${most} of a kind: remove one first`],
  });
}
