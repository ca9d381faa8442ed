import type { RouteConfig } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { ClientCertificate, FailedSignIn, Identified, MethodName, Routed } from '../exchange.ts';
import { schemeOf } from './authorization-header.ts';
import { Flights } from './flights.ts';
import { type Method, type ReasonWord, rejected, type Verdict, type Verified } from './method.ts';
import type { VerifiedCache } from './verified-cache.ts';

// Comes in: a request whose route is known. Goes out: the same with who is asking, or an error that says how to prove it.

/** What a route asks, worked out once per route. */
interface Plan {
  /** In the order in which they are asked. */
  readonly methods: readonly Method[];
  /** Schemes of `Authorization` that some method of the route reads; empty when none reads that field. */
  readonly schemes: ReadonlySet<string>;
  readonly isPublic: boolean;
  readonly storeDown: RouteConfig['storeDown'];
}

export interface AuthenticateOptions {
  /** Monotonic time in milliseconds, comparable with `Arrived.startedAtMs`. */
  readonly now: () => number;
  /** Gives the client's certificate where it counts on the route; absent: none is asked for. */
  readonly certificateOf?: (routed: Routed) => ClientCertificate | undefined;
}

/** Gives a value, not a promise, whenever no method has to verify a credential anew. */
export type Authenticate = (routed: Routed) => Identified | Promise<Identified>;

/**
 * Gives the function that finds out who is asking. It asks the methods of the route's `accept` in written order:
 * `absent` goes on to the next, `verified` ends the search, `rejected` ends the request. When all are absent a public
 * route goes on with `identity: null`. A public route without `accept` looks at no credential.
 *
 * The function throws, or rejects with, SP_AUTHENTICATE_REQUIRED, _REJECTED (both with the challenges of all accepted
 * methods), _AMBIGUOUS, _THROTTLED or _UNAVAILABLE.
 *
 * Security: `Authorization` belongs to the gateway as soon as one method of the route reads it; a scheme that no
 * method of the route takes, or a second field, is then refused before any other credential is looked at. The same
 * credential arriving many times at once is verified once, but nobody joins a verification that began before the
 * latest revocation.
 */
export function makeAuthenticate(
  methods: readonly Method[],
  cache: VerifiedCache,
  options: AuthenticateOptions,
): Authenticate {
  const room = new Authenticator(methods, cache, options);
  return (routed) => room.ask(routed);
}

class Authenticator {
  readonly #byName: ReadonlyMap<MethodName, Method>;
  readonly #cache: VerifiedCache;
  readonly #now: () => number;
  readonly #certificateOf: AuthenticateOptions['certificateOf'];
  readonly #plans = new WeakMap<RouteConfig, Plan>();
  readonly #flights = new Flights();

  constructor(methods: readonly Method[], cache: VerifiedCache, options: AuthenticateOptions) {
    this.#byName = new Map(methods.map((method) => [method.name, method]));
    this.#cache = cache;
    this.#now = options.now;
    this.#certificateOf = options.certificateOf;
  }

  ask(routed: Routed): Identified | Promise<Identified> {
    const { config } = routed.route;
    let plan = this.#plans.get(config);
    if (plan === undefined) {
      plan = makePlan(config, this.#byName);
      this.#plans.set(config, plan);
    }
    if (plan.schemes.size > 0) demandOneAcceptedScheme(routed, plan);
    return this.#askFrom(0, routed, plan);
  }

  #askFrom(first: number, routed: Routed, plan: Plan): Identified | Promise<Identified> {
    for (let index = first; index < plan.methods.length; index++) {
      const method = plan.methods[index];
      const credential = method?.credential(routed.arrived);
      if (method === undefined || credential === undefined) continue;
      const key = this.#cache.keyOf(credential);
      const known = this.#cache.recall(key, method.name, plan.storeDown);
      if (typeof known === 'object' && !method.doubts?.(routed.arrived, known.identity)) {
        return this.#identified(routed, known, method);
      }
      if (known === 'down') throw unavailable(routed);
      if (known === 'revoked') return refuse(routed, plan, method, rejected('token-revoked'));
      return this.#verify(routed, plan, method, key).then((verdict) => {
        if (verdict.kind === 'verified') return this.#identified(routed, verdict, method);
        if (verdict.kind === 'absent') return this.#askFrom(index + 1, routed, plan);
        return refuse(routed, plan, method, verdict);
      });
    }
    if (plan.isPublic) return this.#identified(routed, undefined, undefined);
    return refuse(routed, plan, undefined, { kind: 'absent' });
  }

  async #verify(routed: Routed, plan: Plan, method: Method, key: string): Promise<Verdict> {
    const mark = this.#cache.mark();
    try {
      return await this.#flights.join(key, mark, () => this.#inspect(routed, method, key, mark));
    } catch (error) {
      if (!(error instanceof GatewayError)) throw error;
      if (error.code === 'SP_AUTHENTICATE_THROTTLED') tell(routed, method, 'throttled', error.reason);
      if (error.code !== 'SP_STATE_UNREACHABLE') throw noted(routed, error);
      // The state failed before anybody noticed that it is away: what is known counts as the route says.
      const known = this.#cache.recall(key, method.name, plan.storeDown, true);
      if (typeof known === 'object' && !method.doubts?.(routed.arrived, known.identity)) return known;
      throw unavailable(routed, error);
    }
  }

  async #inspect(routed: Routed, method: Method, key: string, mark: number): Promise<Verdict> {
    const verdict = await method.inspect(routed.arrived);
    if (verdict.kind === 'verified') this.#cache.remember(key, verdict, mark);
    else this.#cache.drop(key);
    return verdict;
  }

  #identified(routed: Routed, verified: Verified | undefined, judge: Method | undefined): Identified {
    const { arrived, route } = routed;
    const identity = verified?.identity ?? null;
    const certificate = arrived.client.certificate && this.#certificateOf?.(routed);
    if (verified !== undefined) judge?.used?.(arrived, verified);
    arrived.record.authenticateMs = this.#now() - arrived.startedAtMs;
    if (identity !== null) {
      arrived.record.user = identity.user;
      arrived.record.method = identity.method;
    }
    return { arrived, route, identity, ties: verified?.ties, certificate };
  }
}

function makePlan(config: RouteConfig, byName: ReadonlyMap<MethodName, Method>): Plan {
  const methods = config.accept.map((name) => {
    const method = byName.get(name);
    if (method !== undefined) return method.onRoute?.(config) ?? method;
    throw new GatewayError('SP_INTERNAL', {
      detail: `${config.id} accepts ${name}, which is not configured`,
    });
  });
  // App passwords are known by their form: asked first, one is never taken for a malformed token or a wrong password.
  methods.sort((a, b) => Number(b.name === 'apiKey') - Number(a.name === 'apiKey'));
  return {
    methods,
    schemes: new Set(methods.flatMap((method) => method.scheme ?? [])),
    isPublic: config.public,
    storeDown: config.storeDown,
  };
}

function demandOneAcceptedScheme(routed: Routed, plan: Plan): void {
  const { authorization, headers } = routed.arrived.request;
  if (authorization === undefined) return;
  let seen = 0;
  for (let index = 0; index < headers.length; index += 2) {
    if (headers[index] === 'authorization' && ++seen > 1) {
      throw noted(routed, new GatewayError('SP_AUTHENTICATE_AMBIGUOUS', { reason: 'credential-twice' }));
    }
  }
  if (!plan.schemes.has(schemeOf(authorization))) {
    refuse(routed, plan, undefined, rejected('scheme-not-accepted'));
  }
  // The scheme of an app password may carry what no method of the route reads, such as a token.
  const reads = (method: Method) =>
    method.scheme !== undefined && method.credential(routed.arrived) !== undefined;
  if (plan.methods[0]?.name === 'apiKey' && !plan.methods.some(reads)) {
    refuse(routed, plan, undefined, rejected('scheme-not-accepted'));
  }
}

/** Throws the 401 with one `WWW-Authenticate` field per accepted method that has a challenge. */
function refuse(routed: Routed, plan: Plan, judge: Method | undefined, verdict: Verdict): never {
  const headers: string[] = [];
  for (const method of plan.methods) {
    const value = method.challenge(method === judge ? verdict : { kind: 'absent' });
    if (value === undefined) continue;
    // Two methods of one scheme are one challenge: that of the first, which knows what was wrong.
    const known = headers.some((other, at) => at % 2 === 1 && schemeOf(other) === schemeOf(value));
    if (!known) headers.push('www-authenticate', value);
  }
  if (verdict.kind === 'rejected') {
    if (judge !== undefined) tell(routed, judge, 'failed', verdict.reason);
    const { reason, detail } = verdict;
    throw noted(routed, new GatewayError('SP_AUTHENTICATE_REJECTED', { reason, detail, headers }));
  }
  const reason: ReasonWord = 'credential-absent';
  throw noted(routed, new GatewayError('SP_AUTHENTICATE_REQUIRED', { reason, headers }));
}

function unavailable(routed: Routed, cause?: unknown): GatewayError {
  const reason: ReasonWord = 'state-unreachable';
  return noted(routed, new GatewayError('SP_AUTHENTICATE_UNAVAILABLE', { reason, cause }));
}

/**
 * Writes a failed sign-in into the record. A cookie that is over is none: it is what a signed-in person comes with
 * after a while, and nobody guesses 256 bits.
 */
function tell(
  { arrived }: Routed,
  method: Method,
  outcome: FailedSignIn['outcome'],
  reason: string | undefined,
): void {
  if (method.name === 'session' || method.name === 'oidc') return;
  const user = method.claimedUser?.(arrived);
  arrived.record.failedSignIn = { outcome, method: method.name, user, reason: reason ?? outcome };
}

/** Writes the reason into the record and gives the error back. */
function noted(routed: Routed, error: GatewayError): GatewayError {
  routed.arrived.record.reason = error.reason;
  return error;
}
