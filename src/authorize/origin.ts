import type { CanonicalRequest, Identity, Route } from '../exchange.ts';
import { isOwnOrigin } from '../lib/own-origin.ts';

/** Methods that change nothing (RFC 9110 §9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/**
 * Tells whether the page from which a request comes may make it. Asked of WebSockets, and of requests that change
 * something with the session cookie; others always may.
 *
 * A request without `Origin` and `Sec-Fetch-Site` does not come from a browser and passes. `same` compares scheme, host
 * and port; the route's `cors` origins may as well.
 *
 * @see RFC 6455 §10.2, RFC 6454 §7, Fetch Metadata Request Headers §2.3
 *
 * Security: browsers send cookies along with a WebSocket from any page, and with forms of sibling hosts, for which
 * `SameSite` does nothing; no CORS check follows.
 */
export function originAllowed(
  { config }: Route,
  request: CanonicalRequest,
  identity: Identity | null,
): boolean {
  const byCookie = identity?.method === 'session' || identity?.method === 'oidc';
  const isAsked = request.upgrade !== undefined || (byCookie && !SAFE.has(request.method));
  if (!isAsked || config.origins === 'any') return true;
  const origins = fieldsOf(request, 'origin');
  const [origin] = origins;
  if (origin !== undefined) {
    if (origins.length > 1) return false;
    if (config.cors.includes(origin)) return true;
    return config.origins === 'same'
      ? isOwnOrigin(origin, request.authority)
      : config.origins.includes(origin);
  }
  return fieldsOf(request, 'sec-fetch-site').every((site) => site === 'same-origin' || site === 'none');
}

function fieldsOf({ headers }: CanonicalRequest, name: string): string[] {
  const values: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === name) values.push(headers[i + 1] ?? '');
  }
  return values;
}
