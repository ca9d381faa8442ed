import { GatewayError } from '../errors.ts';
import type { Arrived } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { basicCredentialOf, hasScheme } from './authorization-header.ts';
import { basicChallenge } from './challenge.ts';
import { type Attempt, GuessBrake, pairOf } from './guess-brake.ts';
import { type Method, type ReasonWord, rejected, type Verdict } from './method.ts';
import { Turns } from './turns.ts';

/** An account as far as an identity needs it. */
export interface KnownAccount {
  readonly name: string;
  readonly groups: readonly string[];
  readonly email: string | undefined;
}

export interface BasicMethodOptions {
  readonly realm: string;
  readonly accounts: {
    /** Gives the account, or `undefined` after the same time when it is unknown or the password is wrong. */
    verify(name: string, password: string): Promise<KnownAccount | undefined>;
  };
  /** Gives the one spelling of a name under which accounts are kept and failures are counted; `undefined` for no name. */
  readonly canonicalName: (raw: string) => string | undefined;
  readonly failures: {
    /** Gives how long the next attempt has to wait, 0 for not at all. */
    check(attempt: Attempt): Promise<{ readonly waitMs: number }>;
    failed(attempt: Attempt): Promise<unknown>;
    /** Gives how long even this attempt has to wait, when too many others failed while it was judged. */
    succeeded(attempt: Attempt): Promise<{ readonly waitMs: number }>;
  };
  readonly clock: Clock;
}

/** Most attempts of one user from one address that wait for each other. */
const MAX_WAITING = 16;

/**
 * Gives the method `basic`: name and password of an account (RFC 7617).
 *
 * Security: attempts for one user from one address are judged one after the other, so that guesses sent at once are
 * counted before the next is hashed. A verdict is remembered per client address, and not used while a guesser at that
 * address could learn something from it.
 */
export function makeBasicMethod(options: BasicMethodOptions): Method {
  const { accounts, canonicalName, failures, clock } = options;
  const turns = new Turns(MAX_WAITING);
  const brake = new GuessBrake(clock);

  async function inspect({ request, client }: Arrived): Promise<Verdict> {
    const { authorization } = request;
    if (authorization === undefined || !hasScheme(authorization, 'basic')) return { kind: 'absent' };
    const credential = basicCredentialOf(authorization);
    if (credential === undefined) return rejected('credential-malformed');
    const user = canonicalName(credential.name);
    if (user === undefined) return rejected('credential-malformed');
    const attempt = { user, address: client.address };
    const turn = turns.take(pairOf(attempt), () => judge(attempt, credential.password));
    if (turn === undefined) throw tooMany(1000);
    return turn;
  }

  async function judge(attempt: Attempt, password: string): Promise<Verdict> {
    demandNoWait(attempt, await failures.check(attempt));
    const account = await accounts.verify(attempt.user, password).catch((error: unknown) => {
      brake.unjudged(attempt);
      throw error;
    });
    if (account === undefined) {
      await failures.failed(attempt);
      return rejected('password-wrong');
    }
    demandNoWait(attempt, await failures.succeeded(attempt));
    return verifiedAccount(account);
  }

  function demandNoWait(attempt: Attempt, { waitMs }: { readonly waitMs: number }): void {
    if (waitMs <= 0) return;
    brake.hold(attempt, waitMs);
    throw tooMany(waitMs);
  }

  return {
    name: 'basic',
    scheme: 'basic',
    credential: ({ request: { authorization }, client }) =>
      authorization !== undefined && hasScheme(authorization, 'basic')
        ? `${client.address} ${authorization}`
        : undefined,
    inspect,
    doubts: ({ client: { address } }, { user }) => brake.isHeld({ user, address }),
    claimedUser({ request: { authorization } }) {
      const credential = authorization === undefined ? undefined : basicCredentialOf(authorization);
      return credential?.name;
    },
    challenge: () => basicChallenge(options.realm),
  };
}

function verifiedAccount({ name, groups, email }: KnownAccount): Verdict {
  return {
    kind: 'verified',
    identity: {
      user: name,
      method: 'basic',
      groups,
      email: email?.toLowerCase(),
      claims: {},
      sessionId: undefined,
      expiresAtSec: undefined,
    },
    ties: {
      expiresAtSec: undefined,
      needsState: true,
      account: name,
      sessionId: undefined,
      jti: undefined,
      subject: undefined,
      issuedAtSec: undefined,
    },
  };
}

function tooMany(waitMs: number): GatewayError {
  const reason: ReasonWord = 'throttled';
  const headers = ['retry-after', String(Math.ceil(waitMs / 1000))];
  return new GatewayError('SP_AUTHENTICATE_THROTTLED', { reason, headers });
}
