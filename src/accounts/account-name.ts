const MAX_NAME = 128;
/** Far above any name that could still be short enough, so that no long text is normalised. */
const MAX_RAW = 1024;
/**
 * What nobody can see or type on purpose: controls, format characters (bidi, zero width), unassigned, private and
 * surrogate code points, line separators, and everything that Unicode says may be drawn as nothing.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u;

/**
 * Gives the one spelling of an account's name: NFKC, trimmed, lower-case. The result is its own canonical name.
 *
 * @returns `undefined` for what cannot be a name: empty, longer than 128 characters, with `:` (RFC 7617 §2), with
 *   characters that cannot be seen, or `.` and `..`, which a URL path loses
 *
 * Security: every lookup, counter and list goes by this name, so that another spelling is never another budget.
 */
export function canonicalName(raw: string): string | undefined {
  if (raw.length > MAX_RAW || UNSEEN.test(raw)) return undefined;
  const name = raw.normalize('NFKC').toLowerCase().normalize('NFKC').trim();
  if (name === '' || name === '.' || name === '..' || name.length > MAX_NAME) return undefined;
  return name.includes(':') || UNSEEN.test(name) ? undefined : name;
}
