import type { RouteConfig } from '../config/config.ts';
import type { ErrorCode } from '../errors.ts';
import type { ClientCertificate, Identified, Identity, Ties } from '../exchange.ts';

/** What somebody must show before they go on, and the word for the log. */
export interface MissingProof {
  readonly code: Extract<
    ErrorCode,
    'SP_AUTHORIZE_SECOND_FACTOR' | 'SP_AUTHORIZE_REAUTHENTICATE' | 'SP_AUTHORIZE_CERTIFICATE'
  >;
  readonly reason:
    | 'second-factor-missing'
    | 'sign-in-too-old'
    | 'certificate-missing'
    | 'certificate-untrusted';
  /** What is wrong with what was shown, for the log. */
  readonly detail?: string | undefined;
}

/** Gives what is missing on a route that lets nobody through without a client certificate that counts there, or `undefined`. */
export function missingCertificate({ arrived, certificate }: Identified): MissingProof | undefined {
  if (certificate !== undefined) return undefined;
  const shown = arrived.client.certificate;
  const reason = shown === undefined ? 'certificate-missing' : 'certificate-untrusted';
  return { code: 'SP_AUTHORIZE_CERTIFICATE', reason, detail: shown?.fault };
}

/** Gives what a request hangs on that needs a certificate beside its credential: it ends with whichever ends first. */
export function alsoTiedTo({ notAfterMs }: ClientCertificate, ties: Ties | undefined): Ties {
  const endSec = Math.floor(notAfterMs / 1000);
  return { ...(ties ?? NO_TIES), expiresAtSec: Math.min(ties?.expiresAtSec ?? endSec, endSec) };
}

const NO_TIES: Ties = {
  expiresAtSec: undefined,
  needsState: false,
  account: undefined,
  sessionId: undefined,
  jti: undefined,
  subject: undefined,
  issuedAtSec: undefined,
};

/**
 * Gives what an identity still has to prove for a route, or `undefined`.
 *
 * `maxAge` asks everybody for a person who proved lately who they are; a password that comes with the request does. The
 * age of the configuration's sessions asks only those who hold one.
 */
export function missingProof(
  config: RouteConfig,
  identity: Identity,
  nowMs: number,
): MissingProof | undefined {
  const { method, authenticatedAtSec, secondFactorAtSec } = identity;
  const byCookie = method === 'session' || method === 'oidc';
  const limits = [config.maxAgeMs, byCookie && config.reauthMs > 0 ? config.reauthMs : undefined];
  const limitMs = Math.min(...limits.filter((limit) => limit !== undefined));
  if (method !== 'basic' && limitMs !== Number.POSITIVE_INFINITY) {
    const isFresh = authenticatedAtSec !== undefined && nowMs < authenticatedAtSec * 1000 + limitMs;
    if (!isFresh) return { code: 'SP_AUTHORIZE_REAUTHENTICATE', reason: 'sign-in-too-old' };
  }
  if (config.secondFactor === 'required' && secondFactorAtSec === undefined) {
    return { code: 'SP_AUTHORIZE_SECOND_FACTOR', reason: 'second-factor-missing' };
  }
  return undefined;
}
