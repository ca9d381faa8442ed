import { canonicalPath } from '../lib/canonical-path.ts';
import { RESERVED_PATH } from './internal-routes.ts';

/** Where a person goes who came to sign in for its own sake. */
export const HOME = '/';

/** Pages of the gateway to which a sign-in may lead. */
const OWN_PAGES: ReadonlySet<string> = new Set([`${RESERVED_PATH}/account`, `${RESERVED_PATH}/resume`]);
const MAX_LENGTH = 4096;
/** Printable ASCII; no fragment, and no backslash, which old parsers take for a slash. */
const QUERY = /^[!"$-[\]-~]*$/;

/**
 * Gives the place on this host to which a person may be sent on, or `undefined` for any other: path and query in their
 * one spelling. Every redirect that a parameter names passes through here: sign-in, callback, sign-out.
 *
 * Security: the result starts with exactly one slash, so no parser reads a host into it; what the corridor would refuse or
 * spell differently is no target. Of our own pages only those that change nothing when they are opened are.
 */
export function returnTarget(raw: string | null | undefined): string | undefined {
  if (raw === undefined || raw === null || raw.length > MAX_LENGTH) return undefined;
  const mark = raw.indexOf('?');
  const path = mark === -1 ? raw : raw.slice(0, mark);
  const query = mark === -1 ? '' : raw.slice(mark);
  const spelled = canonicalPath(path);
  if (!('path' in spelled) || spelled.path !== path || !QUERY.test(query)) return undefined;
  const isReserved = path === RESERVED_PATH || path.startsWith(`${RESERVED_PATH}/`);
  return isReserved && !OWN_PAGES.has(path) ? undefined : path + query;
}

/** Gives the address of the sign-in page that leads on to a target. */
export function signInPath(target: string): string {
  return `${RESERVED_PATH}/sign-in?return=${encodeURIComponent(target)}`;
}
