import { parseAuthority } from './canonical-host.ts';

/**
 * Tells whether an origin is the one that an authority is reached at over HTTPS: scheme, host and port are the same.
 *
 * @param origin - value of an `Origin` field (RFC 6454 §7)
 * @param authority - host, and port where the client named one
 */
export function isOwnOrigin(origin: string, authority: string): boolean {
  if (!origin.startsWith('https://')) return false;
  const theirs = parseAuthority(origin.slice('https://'.length));
  const ours = parseAuthority(authority);
  return (
    theirs !== undefined &&
    ours !== undefined &&
    theirs.host === ours.host &&
    (theirs.port ?? 443) === (ours.port ?? 443)
  );
}
