import type { Arrived, Identity, MethodName } from '../exchange.ts';
import { cookieValues } from '../lib/cookies.ts';
import { type Method, rejected, type Verdict } from './method.ts';

/** A session as far as an identity needs it. */
interface KnownSession {
  readonly id: string;
  readonly user: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
  readonly claims: Readonly<Record<string, unknown>>;
  readonly expiresAtSec: number;
  readonly authenticatedAtSec: number | undefined;
  readonly secondFactorAtSec: number | undefined;
  /** The provider that vouches for it. */
  readonly provider: unknown;
}

export interface SessionMethodOptions {
  /** `oidc` takes only sessions for which a provider vouches. */
  readonly name: Extract<MethodName, 'session' | 'oidc'>;
  /** Name of the cookie. */
  readonly cookie: string;
  readonly sessions: {
    /** Gives the live session whose secret this is. @throws SP_STATE_UNREACHABLE */
    bySecret(secret: string): Promise<KnownSession | undefined>;
    /** Notes that a session was used; no I/O. */
    touch(id: string): void;
    /** Longest silence after which a session ends, milliseconds. */
    readonly idleMs: number;
  };
}

/** 256 bits as base64url: what we give out, and nothing else. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** Cookies of one name that are looked up; a browser that honours the prefix holds one. */
const MAX_COOKIES = 4;

/**
 * Gives the method `session` or `oidc`: the cookie of a browser that signed in.
 *
 * A cookie that is unknown or over is absent, not wrong: browsers send it by themselves, and it must not keep out who
 * brings another credential.
 *
 * Security: another site of the same domain may plant a cookie of our name in browsers that do not honour `__Host-`. It
 * cannot plant a live one beside the person's own unseen: two live ones, or a malformed one beside a live one, are refused.
 */
export function makeSessionMethod({ name, cookie, sessions }: SessionMethodOptions): Method {
  async function inspect({ request }: Arrived): Promise<Verdict> {
    const values = cookieValues(request.cookie, cookie);
    if (values.length > MAX_COOKIES) return rejected('credential-twice');
    const secrets = values.filter((value) => SECRET.test(value));
    const found = await Promise.all(secrets.map((secret) => sessions.bySecret(secret)));
    const [session, ...others] = found.filter((one) => one !== undefined);
    if (session === undefined) return { kind: 'absent' };
    if (others.length > 0) return rejected('credential-twice');
    if (secrets.length < values.length) return rejected('credential-malformed');
    if (name === 'oidc' && session.provider === undefined) return { kind: 'absent' };
    return verified(session);
  }

  function verified(session: KnownSession): Verdict {
    const { user, groups, email, claims, expiresAtSec } = session;
    const { authenticatedAtSec, secondFactorAtSec } = session;
    const proofs = { authenticatedAtSec, secondFactorAtSec };
    const sessionId = session.id;
    const identity: Identity = {
      user,
      method: name,
      groups,
      email,
      claims,
      sessionId,
      expiresAtSec,
      ...proofs,
    };
    const ties = {
      expiresAtSec,
      needsState: true,
      account: user,
      sessionId,
      jti: undefined,
      subject: undefined,
      issuedAtSec: undefined,
      idleMs: sessions.idleMs,
    };
    return { kind: 'verified', identity, ties };
  }

  return {
    name,
    scheme: undefined,
    credential({ request }) {
      const values = cookieValues(request.cookie, cookie);
      // The name is in it: the same cookie may be a session and yet not one of a provider.
      return values.length === 0 ? undefined : `${name} ${values.join(' ')}`;
    },
    inspect,
    used: (_arrived, { ties }) => {
      if (ties.sessionId !== undefined) sessions.touch(ties.sessionId);
    },
    challenge: () => undefined,
  };
}
