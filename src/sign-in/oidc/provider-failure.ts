import {
  AuthorizationResponseError,
  ClientError,
  ResponseBodyError,
  WWWAuthenticateChallengeError,
} from 'openid-client';
import { GatewayError } from '../../errors.ts';
import { type FlowReason, flowFailure } from './flow-failure.ts';

/** Why a provider could not be used. */
export type ProviderReason =
  | 'provider-unreachable'
  | 'provider-slow'
  | 'provider-certificate'
  | 'provider-garbage'
  | 'provider-status'
  | 'provider-other-issuer'
  | 'provider-keys'
  | 'provider-refuses-us';

/** Gives the failure of a provider. @param detail - no answer, token or URL with a query in it */
export function providerFailure(provider: string, reason: ProviderReason, detail: string): GatewayError {
  return new GatewayError('SP_SIGN_IN_PROVIDER', { reason, detail: `provider ${provider}: ${detail}` });
}

/**
 * Gives what a call to a provider failed with as a failure of the flow or of the provider.
 *
 * Security: errors of the client library carry tokens and answers; nothing of them is passed on but words of ours
 * and the provider's error code where it is a plain word (RFC 6749 §5.2).
 */
export function failureOf(thrown: unknown, provider: string): GatewayError {
  const known = gatewayErrorIn(thrown);
  if (known !== undefined) return known;
  if (thrown instanceof AuthorizationResponseError) return refusal(thrown.error, provider);
  if (thrown instanceof ResponseBodyError) {
    if (thrown.error === 'invalid_grant') return flowFailure('code-refused', provider);
    return providerFailure(provider, 'provider-refuses-us', `it says ${word(thrown.error)}`);
  }
  if (thrown instanceof WWWAuthenticateChallengeError) return challengeFailure(thrown, provider);
  if (thrown instanceof ClientError) return clientFailure(thrown, provider);
  if (thrown instanceof TypeError || thrown instanceof SyntaxError)
    return providerFailure(provider, 'provider-garbage', 'its answer cannot be used');
  const name = thrown instanceof Error ? thrown.name : typeof thrown;
  return new GatewayError('SP_INTERNAL', { detail: `provider ${provider}: ${name}`, reason: 'unforeseen' });
}

/** Gives an error that the provider sent the browser back with (RFC 6749 §4.1.2.1) as a failure. */
export function refusal(error: string, provider: string): GatewayError {
  if (error === 'temporarily_unavailable' || error === 'server_error')
    return providerFailure(provider, 'provider-status', `it says ${error}`);
  return flowFailure(
    error === 'access_denied' ? 'denied' : 'provider-error',
    provider,
    `it says ${word(error)}`,
  );
}

/** A token that it just gave out and knows no more: the grant ended meanwhile (RFC 6750 §3.1). */
function challengeFailure({ cause }: WWWAuthenticateChallengeError, provider: string): GatewayError {
  if (cause.some(({ parameters }) => parameters.error === 'invalid_token'))
    return flowFailure('token-refused', provider);
  return providerFailure(provider, 'provider-refuses-us', 'it asks for another credential');
}

function clientFailure(error: ClientError, provider: string): GatewayError {
  switch (error.code) {
    case 'OAUTH_TIMEOUT':
    case 'OAUTH_ABORT':
      return providerFailure(provider, 'provider-slow', 'no answer in time');
    case 'OAUTH_RESPONSE_IS_NOT_CONFORM':
      return providerFailure(provider, 'provider-status', 'its answer has an unexpected status');
    case 'OAUTH_JWT_CLAIM_COMPARISON_FAILED':
    case 'OAUTH_JWT_TIMESTAMP_CHECK_FAILED':
      return flowFailure(claimReason(causeOf(error, 'claim')), provider);
    case 'OAUTH_JSON_ATTRIBUTE_COMPARISON_FAILED':
      if (causeOf(error, 'attribute') === 'issuer')
        return providerFailure(provider, 'provider-other-issuer', 'its metadata are those of another issuer');
      return flowFailure('wrong-subject', provider, 'userinfo is of somebody else');
    default:
      if (causeOf(error, 'header') !== undefined) return flowFailure('token-algorithm', provider);
      if (causeOf(error, 'claims') !== undefined) return flowFailure('token-claims', provider);
      return providerFailure(provider, 'provider-garbage', 'its answer cannot be read');
  }
}

const CLAIM_REASONS: ReadonlyMap<unknown, FlowReason> = new Map<unknown, FlowReason>([
  ['iss', 'wrong-issuer'],
  ['aud', 'wrong-audience'],
  ['azp', 'wrong-audience'],
  ['nonce', 'wrong-nonce'],
  ['exp', 'token-expired'],
  ['auth_time', 'not-reauthenticated'],
]);

function claimReason(claim: unknown): FlowReason {
  return CLAIM_REASONS.get(claim) ?? 'token-claims';
}

/** Gives a member of what the library notes as cause, of its own error or of the protocol library's below it. */
function causeOf(error: Error, name: string): unknown {
  const facts = error.cause instanceof Error ? error.cause.cause : error.cause;
  if (typeof facts !== 'object' || facts === null) return undefined;
  return new Map<string, unknown>(Object.entries(facts)).get(name);
}

function gatewayErrorIn(thrown: unknown): GatewayError | undefined {
  let error = thrown;
  for (let depth = 0; depth < 4 && error instanceof Error; depth++) {
    if (error instanceof GatewayError) return error;
    error = error.cause;
  }
  return undefined;
}

function word(error: string): string {
  return /^[a-z_]{1,40}$/.test(error) ? error : 'something unknown';
}
