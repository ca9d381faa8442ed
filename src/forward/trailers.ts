/**
 * Fields that decide framing, routing, identity or how the body is read: as trailers they would come after the decision
 * that they could change (RFC 9110 §6.5.1).
 */
const NEVER = new Set([
  'authorization',
  'cache-control',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'max-forwards',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
  'x-api-key',
]);

/**
 * Gives the trailers that may travel on, in either direction; flat, names lower-case.
 *
 * @param reserved - tells the fields that the gateway itself writes
 */
export function safeTrailers(
  trailers: readonly string[],
  reserved: (name: string) => boolean,
): readonly string[] {
  if (trailers.length === 0) return trailers;
  const kept: string[] = [];
  for (let i = 0; i < trailers.length; i += 2) {
    const name = trailers[i] ?? '';
    if (/^[a-z0-9-]+$/.test(name) && !NEVER.has(name) && !reserved(name))
      kept.push(name, trailers[i + 1] ?? '');
  }
  return kept;
}
