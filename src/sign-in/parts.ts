import type { Accounts } from '../accounts/accounts.ts';
import type { ApiKeys } from '../api-keys/api-keys.ts';
import type { RouteConfig } from '../config/config.ts';
import type { Answered, Arrived } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import type { FailureCounter } from '../limits/failures.ts';
import type { SecondFactors } from '../second-factors/second-factors.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Oidc } from './oidc/oidc.ts';
import type { OneTime } from './one-time.ts';

/** What the pages for people are furnished with. */
export interface SignInParts {
  readonly clock: Clock;
  readonly sessions: Pick<
    Sessions,
    'bySecret' | 'create' | 'elevate' | 'renew' | 'revoke' | 'list' | 'endings'
  >;
  readonly accounts: Pick<Accounts, 'verify' | 'get'>;
  readonly failures: Pick<FailureCounter, 'check' | 'failed' | 'succeeded'>;
  readonly oneTime: OneTime;
  /** Counts a sign-in that begins at an address. @throws SP_AUTHENTICATE_THROTTLED */
  readonly brake: (address: string) => Promise<void>;
  /** Absent without providers. */
  readonly oidc: Pick<Oidc, 'list' | 'begin' | 'finish' | 'endSession' | 'backchannelLogout'> | undefined;
  readonly secondFactors: Pick<SecondFactors, 'list' | 'remove' | 'codes' | 'passkeys'>;
  /** Absent where app passwords are off. */
  readonly apiKeys: Pick<ApiKeys, 'create' | 'list' | 'revoke' | 'refreshOwner'> | undefined;
  /** Gives the route that serves a place; `undefined` for none. */
  readonly routeOf: (host: string, path: string) => RouteConfig | undefined;
  /** Lets a request walk the corridor anew. */
  readonly walk: (arrived: Arrived) => Answered | Promise<Answered>;
}
