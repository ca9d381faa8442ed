/**
 * Gives a host pattern and those that take its place where it is not written, the most specific first:
 * `a.b.c`, `*.b.c`, `*`. A star stands for one label, a star alone for any host.
 *
 * @param pattern - canonical: an exact name or address, `*.` and a name, or `*`
 */
export function withBroader(pattern: string): readonly string[] {
  if (pattern === '*') return ['*'];
  const dot = pattern.indexOf('.');
  const wildcard = dot === -1 ? undefined : `*${pattern.slice(dot)}`;
  return wildcard === undefined || wildcard === pattern ? [pattern, '*'] : [pattern, wildcard, '*'];
}

/** Gives what is known under the first of the patterns that is a key, `undefined` when none is. */
export function mostSpecific<T>(
  patterns: readonly string[],
  known: { has(pattern: string): boolean; get(pattern: string): T | undefined },
): T | undefined {
  const found = patterns.find((pattern) => known.has(pattern));
  return found === undefined ? undefined : known.get(found);
}
