import { errors } from 'jose';
import { GatewayError } from '../../errors.ts';
import type { Claims } from './claims-to-facts.ts';
import { type FlowReason, flowFailure } from './flow-failure.ts';
import type { KnownProvider } from './provider.ts';

/** How far the clocks of provider and gateway may differ. */
export const CLOCK_TOLERANCE_SEC = 30;

/**
 * Gives the claims of an ID token (OpenID Connect Core §3.1.3.7).
 *
 * @throws SP_SIGN_IN_FLOW, and SP_SIGN_IN_PROVIDER `provider-keys` while there are no keys to verify with
 *
 * Security: the client library trusts the channel that an ID token came through; the signature is checked here.
 */
export async function verifyIdToken(
  token: string,
  { keys, metadata, algorithms }: KnownProvider,
  { name, clientId }: { readonly name: string; readonly clientId: string },
): Promise<Claims & { readonly sub: string }> {
  try {
    const claims = await keys.verify(token, {
      issuer: metadata.issuer,
      audience: clientId,
      algorithms: [...algorithms],
      requiredClaims: ['sub', 'iat', 'exp'],
      clockTolerance: CLOCK_TOLERANCE_SEC,
    });
    if (typeof claims.sub !== 'string' || claims.sub === '') throw flowFailure('token-claims', name);
    return { ...claims, sub: claims.sub };
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw flowFailure(reasonOf(error), name);
  }
}

function reasonOf(error: unknown): FlowReason {
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token-algorithm';
  if (error instanceof errors.JWTExpired) return 'token-expired';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'wrong-signature';
  if (error.claim === 'iss') return 'wrong-issuer';
  return error.claim === 'aud' ? 'wrong-audience' : 'token-claims';
}
