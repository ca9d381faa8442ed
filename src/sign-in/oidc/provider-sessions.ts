import type { Sessions } from '../../sessions/sessions.ts';

/** What the relying party needs of the sessions. */
export type ProviderSessions = Pick<Sessions, 'live' | 'tokens' | 'renew' | 'revoke' | 'endByProvider'>;
