import type { CanonicalRequest } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { cookieValues } from '../lib/cookies.ts';
import type { Session } from '../sessions/session.ts';
import type { SessionSecret } from '../sessions/sessions.ts';

/** Name of the session cookie; `__Host-` binds it to this host, HTTPS and the root path (RFC 6265bis §4.1.3.2). */
export const SESSION_COOKIE = '__Host-sallyport';

/** More cookies of the name than a browser can hold by honest means are not looked up. */
const MAX_LOOKED_UP = 4;

/** Gives the `set-cookie` field of a session; flat. Security: for answers to navigations only. */
export function sessionCookie({ secret, expiresAtSec }: SessionSecret, clock: Clock): readonly string[] {
  const restSec = Math.max(1, expiresAtSec - Math.floor(clock() / 1000));
  return [
    'set-cookie',
    `${SESSION_COOKIE}=${secret}; Max-Age=${restSec}; Path=/; Secure; HttpOnly; SameSite=Lax`,
  ];
}

/** Gives the `set-cookie` field that ends the session cookie; flat. Security: for answers to navigations only. */
export function endedCookie(): readonly string[] {
  return ['set-cookie', `${SESSION_COOKIE}=; Max-Age=0; Path=/; Secure; HttpOnly; SameSite=Lax`];
}

/**
 * Gives every live session that the cookies of a request name.
 *
 * @throws SP_STATE_UNREACHABLE
 */
export async function liveSessions(
  { cookie }: CanonicalRequest,
  sessions: { bySecret(secret: string): Promise<Session | undefined> },
): Promise<readonly Session[]> {
  const values = [...new Set(cookieValues(cookie, SESSION_COOKIE))].slice(0, MAX_LOOKED_UP);
  const found = await Promise.all(values.map((value) => sessions.bySecret(value)));
  return found.filter((session) => session !== undefined);
}

/**
 * Gives the live session of a request; `undefined` for none, and for more than one.
 *
 * Security: cookie tossing: where two sessions claim a browser, nobody can say which one is its owner's.
 */
export async function presentSession(
  request: CanonicalRequest,
  sessions: { bySecret(secret: string): Promise<Session | undefined> },
): Promise<Session | undefined> {
  const live = await liveSessions(request, sessions);
  return live.length === 1 ? live[0] : undefined;
}
