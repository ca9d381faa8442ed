import { canonicalPath, type PathFault } from '../lib/canonical-path.ts';

/** Path and query of a request target: the path canonical, the query empty or as it came, with its `?`. */
export interface CanonicalTarget {
  readonly path: string;
  readonly query: string;
}

/** What RFC 3986 §3.4 does not allow in a query, and the fragment, which no client may send (RFC 9112 §3.2.1). */
const BAD_QUERY = /[^\x21-\x7e]|#/;

/** Gives path and query of a request target, or the word for what two parsers could read differently. */
export function canonicalTarget(
  target: string,
): CanonicalTarget | { readonly fault: PathFault | 'query-character' } {
  const mark = target.indexOf('?');
  const result = canonicalPath(mark === -1 ? target : target.slice(0, mark));
  if ('fault' in result) return result;
  const query = mark === -1 ? '' : target.slice(mark);
  return BAD_QUERY.test(query) ? { fault: 'query-character' } : { path: result.path, query };
}
