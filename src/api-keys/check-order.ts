import { GatewayError } from '../errors.ts';
import type { CredentialBounds } from '../exchange.ts';
import { canonicalHost } from '../lib/canonical-host.ts';
import { parseIpRange } from '../lib/ip-range.ts';
import { isPlainName } from '../lib/plain-name.ts';
import type { NewApiKey } from './api-key.ts';

const MAX_NAME = 64;
const MAX_BOUNDS = 64;
const MIN_LIFE_MS = 1_000;
const METHOD = /^[A-Za-z][A-Za-z-]{0,31}$/;
const PATH = /^(?:\/[\x21-\x7e]{0,1024})?$/;

/** An order whose every part was checked. */
export interface CheckedOrder {
  readonly name: string;
  readonly bounds: CredentialBounds;
  /** `undefined`: it does not end by itself. */
  readonly lifeMs: number | undefined;
}

/**
 * Gives the order in its one spelling.
 *
 * @param maxLifeMs - 0: one may live for ever
 * @throws SP_ADMIN_BAD_REQUEST that names every problem
 */
export function checkOrder(order: NewApiKey, maxLifeMs: number): CheckedOrder {
  const { routes = [], methods = [], addresses = [], lifeMs } = order;
  const name = order.name.trim();
  const problems: string[] = [];
  if (name.length > MAX_NAME || !isPlainName(name)) problems.push(`name: 1 to ${MAX_NAME} characters`);
  if ([routes, methods, addresses].some((list) => list.length > MAX_BOUNDS)) {
    problems.push(`routes, methods, addresses: at most ${MAX_BOUNDS} each`);
  }
  for (const route of routes) {
    if (!isRoute(route))
      problems.push(`routes: ${JSON.stringify(route)} is not a host with or without a path`);
  }
  for (const method of methods) {
    if (!METHOD.test(method)) problems.push(`methods: ${JSON.stringify(method)} is not a method`);
  }
  for (const range of addresses) {
    if ('fault' in parseIpRange(range)) problems.push(`addresses: ${JSON.stringify(range)} is not a CIDR`);
  }
  if (lifeMs !== undefined && (!Number.isSafeInteger(lifeMs) || lifeMs < MIN_LIFE_MS)) {
    problems.push('life: at least a second');
  } else if (maxLifeMs > 0 && lifeMs !== undefined && lifeMs > maxLifeMs) {
    problems.push(`life: at most ${Math.floor(maxLifeMs / 1000)} seconds`);
  }
  if (problems.length > 0) throw new GatewayError('SP_ADMIN_BAD_REQUEST', { problems });
  const bounds = { routes, addresses, methods: methods.map((method) => method.toUpperCase()) };
  return { name, bounds, lifeMs: lifeMs ?? (maxLifeMs > 0 ? maxLifeMs : undefined) };
}

/** `host`, `host/path`, or the id of a route, whose host may be `*` or begin with `*.`. */
function isRoute(text: string): boolean {
  const slash = text.indexOf('/');
  const host = slash < 0 ? text : text.slice(0, slash);
  const path = slash < 0 ? '' : text.slice(slash);
  const plain = host.replace(/^\*\./, '');
  return (host === '*' || canonicalHost(plain) === plain) && PATH.test(path);
}
