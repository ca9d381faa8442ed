import { GatewayError } from '../errors.ts';
import type { Admitted, Identity } from '../exchange.ts';
import { deviceName, tokenDevice } from '../sign-in/device-name.ts';
import type { Foundation } from './foundation.ts';
import { type IssuedToken, issueToken } from './issue-token.ts';

const HOUR_SEC = 3600;

/**
 * Makes a session-bound token for whoever is admitted, no longer than what they came with lasts.
 *
 * @throws SP_AUTHORIZE_DENIED for an app password that is bound: the token would not be
 */
export async function exchangeToken(foundation: Foundation, admitted: Admitted): Promise<IssuedToken> {
  const { identity, arrived } = admitted;
  if (identity === null) throw new GatewayError('SP_INTERNAL');
  if (identity.bounds !== undefined) throw new GatewayError('SP_AUTHORIZE_DENIED', { reason: 'key-bound' });
  const nowSec = Math.floor(foundation.clock() / 1000);
  const { user, groups, email, method, expiresAtSec } = identity;
  return issueToken(foundation, {
    user,
    groups,
    email,
    method,
    address: arrived.client.address,
    device: tokenDevice(await programOf(foundation, admitted)),
    account: await accountOf(foundation, admitted, identity),
    parent: parentOf(admitted, identity),
    proof: {
      authenticatedAtSec: method === 'basic' ? nowSec : identity.authenticatedAtSec,
      secondFactorAtSec: identity.secondFactorAtSec,
    },
    ttlSec: Math.max(1, Math.min(HOUR_SEC, (expiresAtSec ?? Number.POSITIVE_INFINITY) - nowSec)),
  });
}

/** Gives the credential with which the token ends; a password has no end of its own, its account has. */
function parentOf({ ties }: Admitted, { sessionId }: Identity): string | undefined {
  if (sessionId !== undefined) return `session:${sessionId}`;
  return ties?.apiKeyId === undefined ? undefined : `api-key:${ties.apiKeyId}`;
}

/** Gives the name of the app password that was shown, else what the program calls itself. */
async function programOf({ apiKeys }: Foundation, { ties, arrived }: Admitted): Promise<string> {
  const key = ties?.apiKeyId === undefined ? undefined : await apiKeys.byId(ties.apiKeyId);
  const { headers } = arrived.request;
  return key?.name ?? deviceName(headers.find((_, at) => at % 2 === 1 && headers[at - 1] === 'user-agent'));
}

/** Gives the account that vouches for the user; what is made here ends with it. */
async function accountOf(
  { sessions, apiKeys }: Foundation,
  { ties }: Admitted,
  { user, method, sessionId }: Identity,
): Promise<string | undefined> {
  if (method === 'basic') return user;
  if (sessionId !== undefined) return (await sessions.live(sessionId))?.account;
  return ties?.apiKeyId === undefined ? undefined : (await apiKeys.byId(ties.apiKeyId))?.account;
}
