import { GatewayError } from '../errors.ts';
import type { Arrived, CredentialBounds, Identity } from '../exchange.ts';
import { basicCredentialOf, hasScheme, token68Of } from './authorization-header.ts';
import { bearerChallenge } from './challenge.ts';
import { type Method, rejected, type Verdict } from './method.ts';

/** An app password as far as an identity needs it. */
interface KnownKey {
  readonly id: string;
  readonly owner: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly bounds: CredentialBounds;
  readonly expiresAtSec: number | undefined;
}

interface AddressAttempt {
  readonly user: undefined;
  readonly address: string;
}

export interface ApiKeyMethodOptions {
  readonly realm: string;
  readonly apiKeys: {
    /** Gives the live app password that this is. @throws SP_STATE_UNREACHABLE */
    byKey(key: string): Promise<KnownKey | undefined>;
    /** Notes that one was used; no I/O. */
    used(id: string, address: string): void;
  };
  /** Tells whether a text is meant as an app password: they are told from tokens and passwords by their form. */
  readonly looksLikeKey: (text: string) => boolean;
  readonly failures: {
    check(attempt: AddressAttempt): Promise<{ readonly waitMs: number }>;
    failed(attempt: AddressAttempt): Promise<unknown>;
  };
}

/**
 * Gives the method `apiKey`: an app password as Bearer token, as Basic password beside any user name, or in `X-Api-Key`.
 *
 * What it may be used for is not asked here but by the policy, which tells the one from the other in its reason.
 *
 * Security: failures are counted per address, and slow down only who fails: 256 bits are not guessed, so that a right
 * app password is never kept out by wrong ones from the same address.
 */
export function makeApiKeyMethod({ realm, apiKeys, looksLikeKey, failures }: ApiKeyMethodOptions): Method {
  async function inspect({ request, client }: Arrived): Promise<Verdict> {
    const [key, ...others] = keysOf(request, looksLikeKey);
    if (key === undefined) return { kind: 'absent' };
    const fromField =
      request.authorization !== undefined && keyInAuthorization(request.authorization) !== key;
    if (others.length > 0 || fromField) return rejected('credential-twice');
    const known = await apiKeys.byKey(key);
    return known === undefined ? refused(client.address) : verified(known);
  }

  async function refused(address: string): Promise<Verdict> {
    const attempt = { user: undefined, address };
    await failures.failed(attempt);
    const { waitMs } = await failures.check(attempt);
    if (waitMs <= 0) return rejected('api-key-unknown');
    const headers = ['retry-after', String(Math.ceil(waitMs / 1000))];
    throw new GatewayError('SP_AUTHENTICATE_THROTTLED', { reason: 'throttled', headers });
  }

  return {
    name: 'apiKey',
    scheme: ['bearer', 'basic'],
    credential({ request }) {
      const keys = keysOf(request, looksLikeKey);
      return keys.length === 0 ? undefined : `key ${keys.join(' ')} ${request.authorization ?? ''}`;
    },
    inspect,
    used: ({ client }, { ties }) => {
      if (ties.apiKeyId !== undefined) apiKeys.used(ties.apiKeyId, client.address);
    },
    challenge: (verdict) => bearerChallenge(realm, verdict.kind === 'rejected'),
  };
}

function verified({ id, owner, groups, email, bounds, expiresAtSec }: KnownKey): Verdict {
  const isBound = [bounds.routes, bounds.methods, bounds.addresses].some((list) => list.length > 0);
  const identity: Identity = {
    user: owner,
    method: 'apiKey',
    groups,
    email,
    claims: {},
    sessionId: undefined,
    expiresAtSec,
    ...(isBound && { bounds }),
  };
  const ties = {
    expiresAtSec,
    needsState: true,
    account: owner,
    sessionId: undefined,
    jti: undefined,
    subject: undefined,
    issuedAtSec: undefined,
    apiKeyId: id,
  };
  return { kind: 'verified', identity, ties };
}

/** Gives every app password that a request carries. */
function keysOf(request: Arrived['request'], looksLikeKey: (text: string) => boolean): readonly string[] {
  const { authorization, headers } = request;
  const keys: string[] = [];
  const inAuthorization = authorization === undefined ? undefined : keyInAuthorization(authorization);
  if (inAuthorization !== undefined && looksLikeKey(inAuthorization)) keys.push(inAuthorization);
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    // A value of another form is meant for the service behind.
    if (headers[i] === 'x-api-key' && looksLikeKey(value)) keys.push(value);
  }
  return keys;
}

function keyInAuthorization(authorization: string): string | undefined {
  if (hasScheme(authorization, 'bearer')) return token68Of(authorization);
  return hasScheme(authorization, 'basic') ? basicCredentialOf(authorization)?.password : undefined;
}
