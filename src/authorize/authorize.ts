/**
 * ROOM 4. Comes in: an `Identified` request. Goes out: the same, `Admitted`, or a refusal with its reason.
 */
import type { RouteConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Admitted, Identified, Route } from '../exchange.ts';
import type { Clock } from '../lib/clock.ts';
import { makeBoundsTest } from './bounds.ts';
import { compilePolicy, type PolicyTest } from './compile-policy.ts';
import { originAllowed } from './origin.ts';
import { alsoTiedTo, type MissingProof, missingCertificate, missingProof } from './proofs.ts';

interface CompiledRoute {
  readonly open: boolean;
  /** `undefined`: admits nobody. */
  readonly tests: readonly PolicyTest[] | undefined;
}

/**
 * Gives the room that decides: `(identified) => admitted`. Sync and pure; policies are compiled once.
 *
 * The room throws SP_AUTHORIZE_DENIED with a word for the first test that failed, SP_AUTHORIZE_ORIGIN for a page of
 * another site that opens a WebSocket or changes something with the session cookie, SP_AUTHORIZE_CERTIFICATE where nobody
 * gets through without a client certificate, and, to who may otherwise pass, SP_AUTHORIZE_REAUTHENTICATE or
 * SP_AUTHORIZE_SECOND_FACTOR for the proof that the route asks for.
 *
 * @param needsCertificate - tells whether a route lets nobody through without a client certificate that counts there, for a
 * canonical host
 *
 * Security: whatever is not admitted by the end of the list is denied; only this function makes an `Admitted`. A certificate
 * is needed on public routes, too.
 */
export function makeAuthorize(
  routes: Iterable<Route>,
  clock: Clock,
  needsCertificate: (route: RouteConfig, host: string) => boolean,
): (identified: Identified) => Admitted {
  const compiled = new Map<Route, CompiledRoute>();
  const oversteps = makeBoundsTest();
  for (const route of routes) compiled.set(route, compile(route));

  return (identified) => {
    const { arrived, route, identity } = identified;
    const { record } = arrived;
    const policy = compiled.get(route);
    if (policy === undefined) throw deny(identified, 'no-allow');
    if (!originAllowed(route, arrived.request, identity)) {
      record.decision = 'denied';
      record.reason = 'foreign-origin';
      throw new GatewayError('SP_AUTHORIZE_ORIGIN', { reason: 'foreign-origin' });
    }
    const needed = needsCertificate(route.config, arrived.request.host);
    const absent = needed ? missingCertificate(identified) : undefined;
    if (absent !== undefined) throw demand(identified, absent);
    if (!policy.open) {
      if (identity === null || policy.tests === undefined) throw deny(identified, 'no-allow');
      for (const test of policy.tests) {
        if (!test.admits(identity, arrived)) throw deny(identified, test.reason);
      }
      const bound = identity.bounds && oversteps(identity.bounds, identified);
      if (bound !== undefined) throw deny(identified, bound);
      const missing = missingProof(route.config, identity, clock());
      if (missing !== undefined) throw demand(identified, missing);
    }
    record.decision = 'allowed';
    return (needed ? withCertificate(identified) : identified) as Admitted;
  };
}

/** Gives the request, ending with its certificate. */
function withCertificate(identified: Identified): Identified {
  const { certificate, ties } = identified;
  return certificate === undefined ? identified : { ...identified, ties: alsoTiedTo(certificate, ties) };
}

function compile({ config }: Route): CompiledRoute {
  if (config.public) return { open: true, tests: undefined };
  if (config.allow === undefined) return { open: false, tests: undefined };
  return { open: false, tests: config.allow === 'authenticated' ? [] : compilePolicy(config.allow) };
}

function demand({ arrived }: Identified, { code, reason, detail }: MissingProof): GatewayError {
  arrived.record.decision = 'denied';
  arrived.record.reason = reason;
  return new GatewayError(code, { reason, detail });
}

function deny({ arrived }: Identified, reason: string): GatewayError {
  arrived.record.decision = 'denied';
  arrived.record.reason = reason;
  return new GatewayError('SP_AUTHORIZE_DENIED', { reason });
}
