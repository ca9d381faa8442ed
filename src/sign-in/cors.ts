import type { RouteConfig } from '../config/config.ts';
import type { Answered, CanonicalRequest } from '../exchange.ts';
import { isOwnOrigin } from '../lib/own-origin.ts';

const MAX_AGE_SEC = 600;

/**
 * Gives the fields with which a page of another origin may read an answer of the gateway itself; none for origins that the route
 * does not name. An allowed origin is told by name, never as `*`, so that it may send the session along.
 *
 * @see Fetch Standard, §3.3 (CORS protocol)
 */
export function corsHeaders(route: RouteConfig, request: CanonicalRequest): readonly string[] {
  const origin = originOf(request);
  if (origin === undefined) return [];
  if (!route.cors.includes(origin) && !isOwnOrigin(origin, request.authority)) return [];
  return [
    'access-control-allow-origin',
    origin,
    'access-control-allow-credentials',
    'true',
    'access-control-expose-headers',
    'www-authenticate, retry-after, x-request-id',
    'vary',
    'origin',
  ];
}

/** Tells whether a browser asks what a page of another origin may send; it never sends a credential along. */
export function isPreflight(request: CanonicalRequest): boolean {
  return (
    request.method === 'OPTIONS' &&
    originOf(request) !== undefined &&
    fieldOf(request, 'access-control-request-method') !== undefined
  );
}

/** Gives the answer of the gateway to such a question; `undefined` for origins that the route does not name. */
export function preflightAnswer(route: RouteConfig, request: CanonicalRequest): Answered | undefined {
  const origin = originOf(request);
  if (origin === undefined || !route.cors.includes(origin)) return undefined;
  const asked = fieldOf(request, 'access-control-request-headers');
  const headers = [
    'access-control-allow-origin',
    origin,
    'access-control-allow-credentials',
    'true',
    'access-control-allow-methods',
    fieldOf(request, 'access-control-request-method') ?? 'GET',
    'access-control-max-age',
    String(MAX_AGE_SEC),
    'vary',
    'origin, access-control-request-method, access-control-request-headers',
  ];
  if (asked !== undefined) headers.push('access-control-allow-headers', asked);
  return { status: 204, headers, body: null };
}

function originOf(request: CanonicalRequest): string | undefined {
  return fieldOf(request, 'origin');
}

/** Gives the value of a field that is there exactly once. */
function fieldOf({ headers }: CanonicalRequest, name: string): string | undefined {
  const values = headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name);
  return values.length === 1 ? values[0] : undefined;
}
