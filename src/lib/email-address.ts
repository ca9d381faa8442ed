import { isPlainName } from './plain-name.ts';

/** One `@`, something on both sides, no spaces: what an exact comparison can rest on. */
const EMAIL = /^[^\s@]+@[^\s@]+$/;

/**
 * Gives an email address with its ASCII letters in lower case, or `undefined` when it is not exactly one.
 *
 * Security: other letters stay as they are: some of them (U+212A, the Kelvin sign) would become ASCII ones.
 */
export function emailAddress(text: string): string | undefined {
  if (!isPlainName(text) || !EMAIL.test(text)) return undefined;
  return text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
