import { BoundedMap } from './bounded-map.ts';

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;
const PLAIN = /^[A-Za-z0-9-]+$/;

/**
 * Gives header names in lower case, remembering those it has seen: the same few dozen names come with every message.
 *
 * @param strict - refuses names outside `[A-Za-z0-9-]`, the spellings that upstreams fold into other names (`X_User`)
 * @returns a function from name to lower-case name, or to `undefined` when the name is not acceptable
 * @see RFC 9110 §5.1, §5.6.2
 */
export function headerNames(strict: boolean): (name: string) => string | undefined {
  const seen = new BoundedMap<string, string>(2048);
  const pattern = strict ? PLAIN : TOKEN;
  return (name) => {
    const known = seen.get(name);
    if (known !== undefined) return known;
    if (name.length > 256 || !pattern.test(name)) return undefined;
    const lower = name.toLowerCase();
    seen.set(name, lower);
    return lower;
  };
}
