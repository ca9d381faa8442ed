import { GatewayError } from '../errors.ts';
import type { Admitted, Identity } from '../exchange.ts';
import { jsonAnswer, type PageRow, type Visit } from './page.ts';

export interface MachinePagesParts {
  /** Public keys of the tokens and assertions that the gateway signs (RFC 7517 §5). */
  readonly jwks: () => object;
  /** Issues a session-bound token for whoever is admitted. */
  readonly issueToken: (identity: Identity, admitted: Admitted) => Promise<object>;
}

/** Gives the pages that programs read: keys, who is asking, token exchange. Security: none shows a credential that came in. */
export function machinePages({ jwks, issueToken }: MachinePagesParts): readonly PageRow[] {
  return [
    {
      method: 'GET',
      path: '/jwks.json',
      page: () => jsonAnswer(jwks(), ['cache-control', 'public, max-age=300']),
    },
    { method: 'GET', path: '/whoami', page: whoami },
    {
      method: 'POST',
      path: '/token',
      page: async (visit) => jsonAnswer(await issueToken(identityOf(visit), visit.admitted)),
    },
  ];
}

function whoami(visit: Visit): ReturnType<typeof jsonAnswer> {
  const identity = identityOf(visit);
  return jsonAnswer({
    user: identity.user,
    groups: identity.groups,
    email: identity.email ?? null,
    method: identity.method,
    sessionId: identity.sessionId ?? null,
    expiresAt:
      identity.expiresAtSec === undefined ? null : new Date(identity.expiresAtSec * 1000).toISOString(),
    address: visit.client.address,
  });
}

/** Gives who is asking. @throws SP_INTERNAL on a page whose route is public, which is a mistake of ours */
export function identityOf({ identity }: Visit): Identity {
  if (identity === null) throw new GatewayError('SP_INTERNAL', { reason: 'page-without-identity' });
  return identity;
}
