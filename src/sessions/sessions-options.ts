import type { SessionConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import type { Sealer } from '../lib/seal.ts';
import type { Notices } from '../state/notices.ts';
import type { Store } from '../state/store.ts';
import type { AccountFacts } from './session.ts';

/** The ages of sessions; the third one, after which a proof is asked for anew, is the business of the policy. */
export type Ages = Pick<SessionConfig, 'idleMs' | 'absoluteMs'>;

/** What the sessions stand on, and who vouches for their users. */
export interface SessionsOptions {
  readonly store: Store;
  readonly notices: Notices;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly config: Ages;
  /** Hides the tokens of providers at rest; without it none can be kept. */
  readonly sealer?: Sealer;
  /** Gives what an account says now, `undefined` when there is none; absent: what was true at the sign-in stays so. */
  readonly accountOf?: (name: string) => Promise<AccountFacts | undefined>;
}
