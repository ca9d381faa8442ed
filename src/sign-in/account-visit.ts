import { GatewayError } from '../errors.ts';
import type { Session } from '../sessions/session.ts';
import { demandOwnForm } from './form-token.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import { identityOf } from './machine-pages.ts';
import { type PageAnswer, seeOther, type Visit } from './page.ts';
import type { SignInParts } from './parts.ts';
import { signInPath } from './return-target.ts';
import { presentSession } from './session-cookie.ts';

/** Address of the account page. */
export const ACCOUNT = `${RESERVED_PATH}/account`;

/** A proof that is older does not suffice to change how the account is guarded. */
const FRESH_MS = 10 * 60_000;

/**
 * Gives the session of a visit to the account pages.
 *
 * @throws SP_AUTHENTICATE_REQUIRED when it ended since the corridor let it in
 */
export async function sessionOf({ sessions }: SignInParts, visit: Visit): Promise<Session> {
  const session = await presentSession(visit.request, sessions);
  if (session !== undefined && session.user === identityOf(visit).user) return session;
  throw new GatewayError('SP_AUTHENTICATE_REQUIRED', { reason: 'session-ended' });
}

/**
 * Gives the session behind a form of the account pages.
 *
 * @throws SP_SIGN_IN_FOREIGN_FORM, SP_SIGN_IN_NO_COOKIE. Security: such a form counts for one browser and one session.
 */
export async function ownForm(parts: SignInParts, visit: Visit): Promise<Session> {
  const session = await sessionOf(parts, visit);
  demandOwnForm(visit, session.id);
  return session;
}

/**
 * Demands that a browser shows the answer to a person.
 *
 * @throws SP_SIGN_IN_FOREIGN_FORM. Security: the application behind shares our origin. A script that got into it could otherwise
 * make an app password for itself and read it; no script can name another destination than its own.
 */
export function demandShown(visit: Visit): void {
  const destination = visit.header('sec-fetch-dest') ?? 'document';
  if (destination !== 'document')
    throw new GatewayError('SP_SIGN_IN_FOREIGN_FORM', { reason: 'read-by-script' });
}

/** Tells whether the person proved lately who they are. */
export function isFresh({ clock }: SignInParts, session: Session): boolean {
  return clock() - (session.authenticatedAtSec ?? 0) * 1000 < FRESH_MS;
}

/** Sends the person to prove anew who they are, then back to the account page. */
export function proveAnew(): PageAnswer {
  return seeOther(`${signInPath(ACCOUNT)}&again=1`);
}
