import type { RouteConfig } from '../config/config.ts';
import type { Session } from '../sessions/session.ts';

/** What a person has to do before a route lets their session in. */
export type Need = 'nothing' | 'sign-in' | 'second-factor' | 'reauthenticate';

export interface NeedOrder {
  /** Route of the target; `undefined` when nothing is served there. */
  readonly route: RouteConfig | undefined;
  readonly session: Session | undefined;
  /** Milliseconds since the epoch. */
  readonly nowMs: number;
}

/**
 * Tells what a session lacks for a route.
 *
 * The sign-in page goes by it, so that it never sends somebody back to a place that sends them here again.
 */
export function needOf({ route, session, nowMs }: NeedOrder): Need {
  if (session === undefined) return 'sign-in';
  if (route === undefined || route.public) return 'nothing';
  const isAccepted =
    route.accept.includes('session') || (route.accept.includes('oidc') && session.provider !== undefined);
  if (!isAccepted) return 'sign-in';
  const ages = [route.maxAgeMs, route.reauthMs > 0 ? route.reauthMs : undefined].filter(
    (age) => age !== undefined,
  );
  const provedMs = (session.authenticatedAtSec ?? 0) * 1000;
  if (ages.some((age) => nowMs - provedMs >= age)) return 'reauthenticate';
  if (route.secondFactor === 'required' && session.secondFactorAtSec === undefined) return 'second-factor';
  return 'nothing';
}
