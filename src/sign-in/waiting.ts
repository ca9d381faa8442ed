import type { MethodName } from '../exchange.ts';
import type { JsonFields } from '../lib/json-fields.ts';
import type { SessionTokens } from '../sessions/session.ts';
import type { BetweenFactors } from './complete-sign-in.ts';

const METHODS: readonly MethodName[] = ['session', 'oidc'];

/** Reads a sign-in that waits for its second factor. @throws SP_STATE_CORRUPT */
export function waitingOf(kept: JsonFields): BetweenFactors | undefined {
  const proven = kept.fields('proven');
  const method = METHODS.find((name) => name === proven.text('method'));
  if (method === undefined) return undefined;
  const provider = proven.has('provider') ? proven.fields('provider') : undefined;
  const tokens = proven.has('tokens') ? tokensOf(proven.fields('tokens')) : undefined;
  return {
    returnTo: kept.text('returnTo'),
    endings: kept.texts('endings'),
    proven: {
      user: proven.text('user'),
      groups: proven.texts('groups'),
      email: proven.optionalText('email'),
      method,
      account: proven.optionalText('account'),
      authenticatedAtSec: proven.count('authenticatedAtSec'),
      secondFactorAtSec: proven.optionalCount('secondFactorAtSec'),
      ...(proven.has('claims') ? { claims: proven.object('claims') } : {}),
      ...(provider === undefined
        ? {}
        : {
            provider: {
              name: provider.text('name'),
              sid: provider.optionalText('sid'),
              subject: provider.optionalText('subject'),
            },
          }),
      ...(tokens === undefined ? {} : { tokens }),
    },
  };
}

function tokensOf(fields: JsonFields): SessionTokens {
  return {
    idToken: fields.optionalText('idToken'),
    refreshToken: fields.optionalText('refreshToken'),
    expiresAtSec: fields.optionalCount('expiresAtSec'),
  };
}
