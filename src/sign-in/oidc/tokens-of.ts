import type { OidcProviderConfig } from '../../config/config.ts';
import type { Clock } from '../../lib/clock.ts';
import type { SessionTokens } from '../../sessions/session.ts';

/**
 * Gives the tokens of a session after an answer of the token endpoint; what the answer leaves out stays as it was.
 *
 * They are due for a refresh when `refresh` of the provider's settings has passed, whatever life the provider gives them.
 */
export function tokensOf(
  answer: { readonly id_token?: string; readonly refresh_token?: string },
  { refreshMs }: OidcProviderConfig,
  clock: Clock,
  before?: SessionTokens,
): SessionTokens {
  return {
    idToken: answer.id_token ?? before?.idToken,
    refreshToken: answer.refresh_token ?? before?.refreshToken,
    expiresAtSec: refreshMs === 0 ? undefined : Math.ceil((clock() + refreshMs) / 1000),
  };
}
