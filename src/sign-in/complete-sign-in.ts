import type { MethodName } from '../exchange.ts';
import type { SecondFactorList } from '../second-factors/factors.ts';
import type { NewSession, Session, SessionProvider, SessionTokens } from '../sessions/session.ts';
import type { SessionSecret } from '../sessions/sessions.ts';
import { browserSecret, formCookie, newBrowserSecret } from './form-token.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import type { PageAnswer, Visit } from './page.ts';
import { seeOther } from './page.ts';
import type { SignInParts } from './parts.ts';
import { endedCookie, liveSessions, sessionCookie } from './session-cookie.ts';

/** Somebody who proved who they are, by password, passkey or provider. */
export interface Proven {
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly method: MethodName;
  /** Account that vouches for the user; the session ends with it. */
  readonly account: string | undefined;
  readonly authenticatedAtSec: number;
  /** Set when the proof was a second factor as well, as a passkey is. */
  readonly secondFactorAtSec: number | undefined;
  readonly claims?: Readonly<Record<string, unknown>>;
  readonly provider?: SessionProvider;
  readonly tokens?: SessionTokens;
}

/** A sign-in that waits for its second factor, and what it leads to. */
export interface Waiting {
  readonly proven: Proven;
  readonly returnTo: string;
}

/** A sign-in between its two factors. */
export interface BetweenFactors extends Waiting {
  /** What was ended of this user when the first factor was shown. */
  readonly endings: readonly string[];
}

/** Longest time between the two factors. */
const WAIT_MS = 10 * 60_000;
/** Kind of the record that waits. */
export const WAITING = 'sign-in';

/**
 * Completes a sign-in, whichever way the first factor was shown: asks for the second one where the user has set one up, else makes
 * the session and sends the browser on.
 *
 * @param returnTo - judged already
 *
 * Security: every way to sign in ends here, so that none skips the second factor. There is no session before it.
 */
export async function completeSignIn(
  parts: SignInParts,
  visit: Visit,
  { proven, returnTo }: Waiting,
): Promise<PageAnswer> {
  const needsSecond =
    proven.secondFactorAtSec === undefined && hasFactors(await parts.secondFactors.list(proven.user));
  if (!needsSecond) return enter(parts, visit, { proven, returnTo });
  const endings = await parts.sessions.endings.marks(proven);
  const known = browserSecret(visit.request);
  const browser = known ?? newBrowserSecret();
  const id = await parts.oneTime.keep(WAITING, { proven, returnTo, endings }, { browser, ttlMs: WAIT_MS });
  const headers = known === undefined ? formCookie(browser) : [];
  return seeOther(`${RESERVED_PATH}/second-factor?step=${id}`, headers);
}

/**
 * Tells whether a sign-in may still become a session when its second factor arrives.
 *
 * Security: a sign-out everywhere, another password, the end of the account or a logout told by the provider finds no session to
 * end between the factors; it stops the sign-in here.
 */
export async function stillStands(
  { sessions, accounts }: SignInParts,
  { proven, endings }: BetweenFactors,
): Promise<boolean> {
  if (await sessions.endings.endedSince(endings, proven)) return false;
  const account = await accounts.get(proven.account ?? proven.user);
  return (account === undefined) === (proven.account === undefined);
}

/** Tells whether a user has set up any second factor; a passkey of another host counts, or choosing the host would avoid it. */
export function hasFactors({ totp, passkeys }: SecondFactorList): boolean {
  return totp.length + passkeys.length > 0;
}

/**
 * Makes the session, or renews the one that the same person has in this browser, and sends the browser on.
 *
 * Security: the cookie is a new one in either case (fixation); a session of somebody else in this browser ends.
 */
export async function enter(
  parts: SignInParts,
  visit: Visit,
  { proven, returnTo }: Waiting,
): Promise<PageAnswer> {
  const live = await liveSessions(visit.request, parts.sessions);
  const own = live.length === 1 && isSamePerson(live[0], proven) ? live[0] : undefined;
  const renewed = own && (await renew(parts, own, proven));
  const secret = renewed ?? (await parts.sessions.create(orderOf(visit, proven)));
  if (proven.account === undefined) await parts.apiKeys?.refreshOwner(proven);
  const others = live.filter((session) => session.id !== secret.id);
  await Promise.all(others.map((session) => parts.sessions.revoke(session.id)));
  note(visit, proven);
  return seeOther(landing(returnTo), sessionCookie(secret, parts.clock));
}

/** Gives the page that makes sure that the cookie came back, and leads on. */
export function landing(returnTo: string): string {
  return `${RESERVED_PATH}/landed?return=${encodeURIComponent(returnTo)}`;
}

/** Ends every session that the browser has here; gives the field that ends its cookie. */
export async function leave(parts: SignInParts, visit: Visit): Promise<readonly string[]> {
  const live = await liveSessions(visit.request, parts.sessions);
  await Promise.all(live.map((session) => parts.sessions.revoke(session.id)));
  return endedCookie();
}

async function renew(
  { sessions }: SignInParts,
  { id }: Session,
  proven: Proven,
): Promise<SessionSecret | undefined> {
  const { authenticatedAtSec, secondFactorAtSec, groups, email, claims, provider, tokens } = proven;
  if (provider !== undefined) {
    await sessions.renew(id, {
      groups,
      email,
      provider,
      ...(claims === undefined ? {} : { claims }),
      ...(tokens === undefined ? {} : { tokens }),
    });
  }
  return sessions.elevate(id, {
    authenticatedAtSec,
    ...(secondFactorAtSec === undefined ? {} : { secondFactorAtSec }),
  });
}

function isSamePerson(session: Session | undefined, proven: Proven): boolean {
  return (
    session !== undefined &&
    session.user === proven.user &&
    session.account === proven.account &&
    session.provider?.name === proven.provider?.name &&
    session.provider?.subject === proven.provider?.subject
  );
}

function orderOf(visit: Visit, proven: Proven): NewSession {
  const { user, groups, email, method, claims, account, provider, tokens } = proven;
  const { authenticatedAtSec, secondFactorAtSec } = proven;
  const device = visit.header('user-agent');
  return {
    user,
    groups,
    email,
    method,
    address: visit.client.address,
    proof: { authenticatedAtSec, secondFactorAtSec },
    ...(claims === undefined ? {} : { claims }),
    ...(account === undefined ? {} : { account }),
    ...(provider === undefined ? {} : { provider }),
    ...(tokens === undefined ? {} : { tokens }),
    ...(device === undefined ? {} : { device }),
  };
}

function note({ admitted }: Visit, { user, method }: Proven): void {
  admitted.arrived.record.user = user;
  admitted.arrived.record.method = method;
}
