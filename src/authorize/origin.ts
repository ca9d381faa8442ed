import type { CanonicalRequest, Route } from '../exchange.ts';
import { parseAuthority } from '../lib/canonical-host.ts';

/**
 * Tells whether the page that opens a WebSocket may do so; other requests always may.
 *
 * A request without `Origin` does not come from a browser and passes. `same` compares scheme, host and port.
 *
 * @see RFC 6455 §10.2
 *
 * Security: browsers send cookies along with a WebSocket from any page, and no CORS check follows.
 */
export function originAllowed({ config }: Route, request: CanonicalRequest): boolean {
  if (request.upgrade === undefined || config.origins === 'any') return true;
  const origins = originsOf(request);
  if (origins.length === 0) return true;
  const origin = origins[0];
  if (origins.length > 1 || origin === undefined) return false;
  if (config.origins !== 'same') return config.origins.includes(origin);
  if (!origin.startsWith('https://')) return false;
  const theirs = parseAuthority(origin.slice('https://'.length));
  const ours = parseAuthority(request.authority);
  return (
    theirs !== undefined &&
    ours !== undefined &&
    theirs.host === ours.host &&
    (theirs.port ?? 443) === (ours.port ?? 443)
  );
}

function originsOf({ headers }: CanonicalRequest): string[] {
  const origins: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'origin') origins.push(headers[i + 1] ?? '');
  }
  return origins;
}
