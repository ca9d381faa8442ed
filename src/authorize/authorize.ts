/**
 * ROOM 4. Comes in: an `Identified` request. Goes out: the same, `Admitted`, or a refusal with its reason.
 */
import { GatewayError } from '../errors.ts';
import type { Admitted, Identified, Route } from '../exchange.ts';
import { compilePolicy, type PolicyTest } from './compile-policy.ts';
import { originAllowed } from './origin.ts';

interface CompiledRoute {
  readonly open: boolean;
  /** `undefined`: admits nobody. */
  readonly tests: readonly PolicyTest[] | undefined;
}

/**
 * Gives the room that decides: `(identified) => admitted`. Sync and pure; policies are compiled once.
 *
 * The room throws SP_AUTHORIZE_DENIED with a word for the first test that failed, SP_AUTHORIZE_ORIGIN for a WebSocket
 * opened by a page of another site.
 *
 * Security: whatever is not admitted by the end of the list is denied; only this function makes an `Admitted`.
 */
export function makeAuthorize(routes: Iterable<Route>): (identified: Identified) => Admitted {
  const compiled = new Map<Route, CompiledRoute>();
  for (const route of routes) compiled.set(route, compile(route));

  return (identified) => {
    const { arrived, route, identity } = identified;
    const { record } = arrived;
    const policy = compiled.get(route);
    if (policy === undefined) throw deny(identified, 'no-allow');
    if (!originAllowed(route, arrived.request)) {
      record.decision = 'denied';
      record.reason = 'foreign-origin';
      throw new GatewayError('SP_AUTHORIZE_ORIGIN', { reason: 'foreign-origin' });
    }
    if (!policy.open) {
      if (identity === null || policy.tests === undefined) throw deny(identified, 'no-allow');
      for (const test of policy.tests) {
        if (!test.admits(identity, arrived)) throw deny(identified, test.reason);
      }
    }
    record.decision = 'allowed';
    return identified as Admitted;
  };
}

function compile({ config }: Route): CompiledRoute {
  if (config.public) return { open: true, tests: undefined };
  if (config.allow === undefined) return { open: false, tests: undefined };
  return { open: false, tests: config.allow === 'authenticated' ? [] : compilePolicy(config.allow) };
}

function deny({ arrived }: Identified, reason: string): GatewayError {
  arrived.record.decision = 'denied';
  arrived.record.reason = reason;
  return new GatewayError('SP_AUTHORIZE_DENIED', { reason });
}
