/** Why a path was refused: a closed set of words. */
export type PathFault =
  | 'not-origin-form'
  | 'forbidden-character'
  | 'bad-percent-encoding'
  | 'encoded-separator'
  | 'double-encoding'
  | 'dot-segment'
  | 'empty-segment'
  | 'path-parameter'
  | 'not-utf8';

/** A path in its one spelling, or why it has none. */
export type PathResult = { readonly path: string } | { readonly fault: PathFault };

/** Already in the one spelling: plain characters, no empty and no dot segment. Nearly every request takes this way. */
const PLAIN = /^(?:\/(?!\.\.?(?:\/|$))[\w\-.~!$&'()*+,=:@]+)*\/?$/;

const UNRESERVED_OR_SAFE = /^[\w\-.~!$&'()*,=:@]$/;
const DOUBLE = /%25[0-9A-Fa-f]{2}/;
const ENCODED = /%([0-9A-Fa-f]{2})/g;

/**
 * Gives the one spelling of a request path, or the reason why it has none.
 *
 * Percent-encodings of characters that need none are decoded, the others are written in upper case, and raw printable
 * characters that RFC 3986 does not allow are encoded. What two programs could read differently is refused: dot
 * segments in any encoding, empty segments, encoded slashes and backslashes, double encodings, path parameters (`;`),
 * control characters, broken UTF-8.
 *
 * @param raw - path of the request target without the query
 * @see RFC 3986 §3.3, §6.2.2
 *
 * Security: policy and upstream both get this result; `+` and `%2B` stay apart because servers disagree about them.
 */
export function canonicalPath(raw: string): PathResult {
  if (PLAIN.test(raw) && raw !== '') return { path: raw };
  if (!raw.startsWith('/')) return { fault: 'not-origin-form' };
  for (let i = 0; i < raw.length; i++) {
    const code = raw.charCodeAt(i);
    if (code <= 0x20 || code >= 0x7f || code === 0x23 || code === 0x3f || code === 0x5c) {
      return { fault: 'forbidden-character' };
    }
  }
  const decoded = decodeUnneeded(raw);
  if ('fault' in decoded) return decoded;
  return checkSegments(decoded.path);
}

function decodeUnneeded(raw: string): PathResult {
  if (/%(?![0-9A-Fa-f]{2})/.test(raw)) return { fault: 'bad-percent-encoding' };
  if (DOUBLE.test(raw)) return { fault: 'double-encoding' };
  if (/%(?:2f|5c)/i.test(raw)) return { fault: 'encoded-separator' };
  if (/%(?:[01][0-9a-f]|7f)/i.test(raw)) return { fault: 'forbidden-character' };
  if (/;|%3b/i.test(raw)) return { fault: 'path-parameter' };
  try {
    decodeURIComponent(raw);
  } catch {
    return { fault: 'not-utf8' };
  }
  const path = raw
    .replace(/["<>[\]^`{|}]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(ENCODED, (encoded, hex: string) => {
      const character = String.fromCharCode(Number.parseInt(hex, 16));
      return UNRESERVED_OR_SAFE.test(character) ? character : encoded.toUpperCase();
    });
  // What was decoded may have made an escape out of an encoded percent sign and plain letters: `%25%32%65`.
  if (DOUBLE.test(path)) return { fault: 'double-encoding' };
  return { path };
}

function checkSegments(path: string): PathResult {
  const segments = path.split('/');
  for (let i = 1; i < segments.length; i++) {
    const segment = segments[i];
    if (segment === '.' || segment === '..') return { fault: 'dot-segment' };
    if (segment === '' && i < segments.length - 1) return { fault: 'empty-segment' };
  }
  return { path };
}
