import type { Session } from '../sessions/session.ts';
import type { Sessions } from '../sessions/sessions.ts';
import type { Refresher } from '../sign-in/oidc/refresher.ts';

/** Sessions as the method `session` asks for them. */
export interface VouchedSessions {
  bySecret(secret: string): Promise<Session | undefined>;
  touch(id: string): void;
  readonly idleMs: number;
}

/**
 * Gives the sessions, of which those that a provider made are asked about there when it is time: in the background while they are
 * in use, and before they go on when nobody looked for long.
 */
export function vouchedSessions(sessions: Sessions, refresher: Refresher): VouchedSessions {
  return {
    async bySecret(secret) {
      const session = await sessions.bySecret(secret);
      if (session?.provider === undefined) return session;
      const outcome = await refresher.check(session.id);
      if (outcome === 'ended') return undefined;
      return outcome === 'renewed' ? sessions.bySecret(secret) : session;
    },
    touch(id) {
      sessions.touch(id);
      refresher.used(id);
    },
    get idleMs() {
      return sessions.idleMs;
    },
  };
}
