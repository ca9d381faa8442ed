import type { Config } from '../config/config.ts';
import type { Answered, Arrived } from '../exchange.ts';
import type { RouteTable } from '../route/compile-routes.ts';
import { matchRoute } from '../route/match-route.ts';
import { assetPages } from '../sign-in/asset-pages.ts';
import { makeFormKeeper } from '../sign-in/kept-forms.ts';
import { brake } from '../sign-in/oidc/begin-brake.ts';
import type { Oidc } from '../sign-in/oidc/oidc.ts';
import { OneTime } from '../sign-in/one-time.ts';
import type { PageRow } from '../sign-in/page.ts';
import { peoplePages } from '../sign-in/pages.ts';
import { makeTurnAway, type TurnAway } from '../sign-in/unauthenticated.ts';
import type { Foundation } from './foundation.ts';

/** What the part of a house that is for people needs. */
export interface PeopleParts {
  readonly config: Config;
  readonly foundation: Foundation;
  readonly table: RouteTable;
  readonly oidc: Oidc | undefined;
  /** Lets a request walk the corridor anew. */
  readonly walk: (arrived: Arrived) => Answered | Promise<Answered>;
}

/** Gives what a house has for people with browsers: its pages, and the way there for who is not known yet. */
export function furnishPeople(parts: PeopleParts): {
  readonly pages: readonly PageRow[];
  readonly turnAway: TurnAway;
} {
  const { config, foundation, table, oidc, walk } = parts;
  const { clock, store, sealer, sessions, accounts, failures, secondFactors, apiKeys } = foundation;
  const { signIn, apiKey } = config.authenticate;
  const oneTime = new OneTime({ records: store.records, sealer, clock });
  const turnAway = makeTurnAway({
    signIn,
    routeOf: ({ host, path }) => matchRoute(table, host, path)?.config,
    forms: makeFormKeeper(oneTime, store.counters),
  });
  if (!signIn) return { pages: assetPages(), turnAway };
  const people = peoplePages({
    clock,
    sessions,
    accounts,
    failures,
    oneTime,
    brake: (address) => brake(store.counters, address, clock),
    oidc,
    secondFactors,
    apiKeys: apiKey === undefined ? undefined : apiKeys,
    routeOf: (host, path) => matchRoute(table, host, path)?.config,
    walk,
  });
  return { pages: [...assetPages(), ...people], turnAway };
}
