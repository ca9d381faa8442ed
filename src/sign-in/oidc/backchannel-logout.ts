import { createHash } from 'node:crypto';
import { errors, type JWTPayload } from 'jose';
import { GatewayError } from '../../errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Store } from '../../state/store.ts';
import type { ProviderSessions } from './provider-sessions.ts';
import type { Providers } from './providers.ts';
import { CLOCK_TOLERANCE_SEC } from './verify-id-token.ts';

/** Why a logout token was refused. */
export type LogoutReason =
  | 'token-missing'
  | 'token-signature'
  | 'token-algorithm'
  | 'token-type'
  | 'token-expired'
  | 'token-issuer'
  | 'token-audience'
  | 'token-claims'
  | 'token-event'
  | 'token-nonce'
  | 'token-replayed';

export interface BackchannelParts {
  readonly providers: Providers;
  readonly sessions: ProviderSessions;
  readonly store: Store;
  readonly logger: Logger;
}

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** Longest life of a logout token; OpenID Connect Back-Channel Logout §2.4 advises two minutes. */
const MAX_AGE_SEC = 3_600;
const MAX_TOKEN = 16 * 1024;

/**
 * Ends the sessions that a logout token names (OpenID Connect Back-Channel Logout 1.0 §2.5 to §2.7).
 *
 * @param form - fields of the request's body
 * @returns how many sessions ended
 * @throws SP_SIGN_IN_LOGOUT with a `LogoutReason`, SP_SIGN_IN_NOT_FOUND for an unknown provider, SP_SIGN_IN_PROVIDER while
 * its keys are not known, SP_STATE_UNREACHABLE; after the latter two the provider may send the same token again
 */
export async function backchannelLogout(
  parts: BackchannelParts,
  provider: string,
  form: URLSearchParams,
): Promise<number> {
  const tokens = form.getAll('logout_token');
  const [token = ''] = tokens;
  const { config, ...known } = await readyProvider(parts.providers, provider);
  if (token === '' || tokens.length > 1 || token.length > MAX_TOKEN) throw refused(provider, 'token-missing');
  const claims = await verified(token, known, config);
  checkEvent(claims, provider);
  const { jti, sub, sid } = claims;
  const which = whichSessions(sid, sub);
  if (!isId(jti) || which === undefined) throw refused(provider, 'token-claims');
  const seen = `oidc-logout:${createHash('sha256').update(`${provider}\n${jti}`).digest('base64url')}`;
  const { records } = parts.store;
  if ((await records.get(seen)) !== undefined) throw refused(provider, 'token-replayed');
  const ended = await parts.sessions.endByProvider(provider, which);
  // Noted when it is done: a token that failed half way must be good for another try.
  const ttlMs = (MAX_AGE_SEC + 2 * CLOCK_TOLERANCE_SEC) * 1000;
  await records.put(seen, new Uint8Array(), { ttlMs });
  parts.logger.info({ provider, sessions: ended.length }, 'a provider signed a user out');
  return ended.length;
}

async function readyProvider(providers: Providers, name: string) {
  const provider = providers.get(name);
  return { ...(await provider.ready()), config: provider.config };
}

type Known = Omit<Awaited<ReturnType<typeof readyProvider>>, 'config'>;

async function verified(
  token: string,
  { keys, metadata, algorithms }: Known,
  { name, clientId }: { readonly name: string; readonly clientId: string },
): Promise<JWTPayload & { readonly sid?: unknown }> {
  checkType(token, name);
  try {
    return await keys.verify(token, {
      issuer: metadata.issuer,
      audience: clientId,
      algorithms: [...algorithms],
      requiredClaims: ['iat', 'exp', 'jti', 'events'],
      maxTokenAge: MAX_AGE_SEC,
      clockTolerance: CLOCK_TOLERANCE_SEC,
    });
  } catch (error) {
    if (error instanceof GatewayError) throw error;
    throw refused(name, reasonOf(error));
  }
}

/** Security: a token of another kind, signed with the same key, is none (RFC 8725 §3.11). Some providers name no kind. */
function checkType(token: string, provider: string): void {
  let type: unknown;
  try {
    const header: unknown = JSON.parse(Buffer.from(token.split('.', 1)[0] ?? '', 'base64url').toString());
    type = typeof header === 'object' && header !== null && 'typ' in header ? header.typ : undefined;
  } catch {
    throw refused(provider, 'token-signature');
  }
  const plain = typeof type === 'string' ? type.toLowerCase().replace(/^application\//, '') : type;
  if (plain !== undefined && plain !== 'logout+jwt' && plain !== 'jwt') throw refused(provider, 'token-type');
}

/** Security: an ID token has no such event and has a nonce; a logout token is the other way round. */
function checkEvent({ events, nonce }: JWTPayload, provider: string): void {
  if (nonce !== undefined) throw refused(provider, 'token-nonce');
  const members = typeof events === 'object' && events !== null ? new Map(Object.entries(events)) : new Map();
  const event: unknown = members.get(EVENT);
  if (typeof event !== 'object' || event === null) throw refused(provider, 'token-event');
}

/**
 * §2.4: a `sid` names one session, a `sub` alone all that the user has.
 *
 * Security: beside a `sid` the `sub` counts for sessions of which no `sid` is known: one of them may be the one that is meant.
 */
function whichSessions(sid: unknown, sub: unknown): { sid?: string; subject?: string } | undefined {
  if (sid === undefined) return isId(sub) ? { subject: sub } : undefined;
  if (!isId(sid) || (sub !== undefined && !isId(sub))) return undefined;
  return sub === undefined ? { sid } : { sid, subject: sub };
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function reasonOf(error: unknown): LogoutReason {
  if (error instanceof errors.JOSEAlgNotAllowed) return 'token-algorithm';
  if (error instanceof errors.JWTExpired) return 'token-expired';
  if (!(error instanceof errors.JWTClaimValidationFailed)) return 'token-signature';
  if (error.claim === 'iss') return 'token-issuer';
  return error.claim === 'aud' ? 'token-audience' : 'token-claims';
}

function refused(provider: string, reason: LogoutReason): GatewayError {
  return new GatewayError('SP_SIGN_IN_LOGOUT', { reason, detail: `provider ${provider}: ${reason}` });
}
