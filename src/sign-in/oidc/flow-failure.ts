import { GatewayError } from '../../errors.ts';

/** Why a sign-in with a provider was refused. */
export type FlowReason =
  | 'malformed-callback'
  | 'missing-state'
  | 'other-provider'
  | 'other-host'
  | 'other-browser'
  | 'wrong-issuer'
  | 'wrong-audience'
  | 'wrong-nonce'
  | 'wrong-subject'
  | 'wrong-signature'
  | 'token-algorithm'
  | 'token-expired'
  | 'token-claims'
  | 'not-reauthenticated'
  | 'other-user'
  | 'code-refused'
  | 'token-refused'
  | 'denied'
  | 'provider-error'
  | 'no-user'
  | 'name-of-account'
  | 'email-unverified'
  | 'email-domain';

/** Gives the refusal of a sign-in. @param detail - private; no token, code or state in it */
export function flowFailure(reason: FlowReason, provider: string, detail?: string): GatewayError {
  return new GatewayError('SP_SIGN_IN_FLOW', {
    reason,
    detail: `provider ${provider}: ${detail ?? reason}`,
  });
}
