/**
 * What somebody gets whom the corridor does not know well enough. Comes in: a request and why it was stopped. Goes out: the way to
 * sign in, as a page or as problem+json, or nothing where the failure speaks for itself.
 */
import type { RouteConfig } from '../config/config.ts';
import type { GatewayError } from '../errors.ts';
import type { Answered, Arrived, CanonicalRequest } from '../exchange.ts';
import { corsHeaders, isPreflight, preflightAnswer } from './cors.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import type { FormKeeper } from './kept-forms.ts';
import { isNavigation, isScript } from './navigation.ts';
import { returnTarget, signInPath } from './return-target.ts';

export interface TurnAwayParts {
  /** Whether people sign in with a browser here. */
  readonly signIn: boolean;
  readonly routeOf: (request: CanonicalRequest) => RouteConfig | undefined;
  readonly forms: FormKeeper;
}

/** How the answer of a failure differs from the plain one. */
export interface TurnedAway {
  /** Takes the place of the plain answer. */
  readonly instead?: Answered;
  /** Is added to the members of the problem. */
  readonly members?: Readonly<Record<string, string>>;
  /** Fields that come along; flat. */
  readonly headers: readonly string[];
  /** The failure without those of its own fields that would make a browser ask for a password. */
  readonly withoutChallenge: boolean;
}

export type TurnAway = (arrived: Arrived, failure: GatewayError) => TurnedAway | Promise<TurnedAway>;

/** Failures after which signing in, once more or further, helps. */
const MENDED_BY_SIGN_IN: ReadonlySet<string> = new Set([
  'SP_AUTHENTICATE_REQUIRED',
  'SP_AUTHORIZE_REAUTHENTICATE',
  'SP_AUTHORIZE_SECOND_FACTOR',
]);

/**
 * Gives the function that turns people away.
 *
 * Security: cookies are set on navigations only, and none is ever ended here: a tab in the background cannot undo a sign-in. A
 * redirect leads to our own page on the same host.
 */
export function makeTurnAway(parts: TurnAwayParts): TurnAway {
  return (arrived, failure) => {
    const { request } = arrived;
    const route = parts.routeOf(request);
    if (route === undefined) return { headers: [], withoutChallenge: false };
    if (failure.code === 'SP_AUTHENTICATE_REQUIRED' && isPreflight(request)) {
      const instead = preflightAnswer(route, request);
      if (instead !== undefined) {
        Object.assign(arrived.record, { decision: 'allowed', reason: 'preflight', code: undefined });
        return { instead, headers: [], withoutChallenge: true };
      }
    }
    const headers = corsHeaders(route, request);
    if (!parts.signIn || !takesSessions(route) || !MENDED_BY_SIGN_IN.has(failure.code)) {
      return { headers, withoutChallenge: false };
    }
    return inviteToSignIn(parts, arrived, { route, headers });
  };
}

function inviteToSignIn(
  { forms }: TurnAwayParts,
  arrived: Arrived,
  { route, headers }: { readonly route: RouteConfig; readonly headers: readonly string[] },
): TurnedAway | Promise<TurnedAway> {
  const { request } = arrived;
  const target = targetOf(request);
  const isPage = route.signIn === 'auto' && isNavigation(request);
  if (isPage && request.method === 'POST') {
    return forms
      .keep(arrived)
      .then((kept) =>
        kept === undefined
          ? { headers, withoutChallenge: true }
          : { instead: redirect(signInPath(kept.resume), kept.headers), headers, withoutChallenge: true },
      );
  }
  const isRead = request.method === 'GET' || request.method === 'HEAD';
  if (isRead && request.upgrade === undefined && (isPage || route.signIn === 'redirect')) {
    return { instead: redirect(signInPath(target), []), headers, withoutChallenge: true };
  }
  const signIn = `https://${request.authority}${signInPath(isRead ? target : '/')}`;
  return { members: { signIn }, headers, withoutChallenge: isPage || isScript(request) };
}

/** A page of our own that cannot be returned to leads to the account instead. */
function targetOf({ path, query }: CanonicalRequest): string {
  return (
    returnTarget(path + query) ?? (path.startsWith(`${RESERVED_PATH}/`) ? `${RESERVED_PATH}/account` : path)
  );
}

function takesSessions({ accept }: RouteConfig): boolean {
  return accept.includes('session') || accept.includes('oidc');
}

function redirect(location: string, headers: readonly string[]): Answered {
  const fields = [
    'location',
    location,
    'cache-control',
    'no-store',
    'vary',
    'cookie, accept, sec-fetch-mode',
  ];
  return { status: 303, headers: [...fields, ...headers], body: null };
}
