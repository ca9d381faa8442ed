// Quote, backslash, C0, DEL and C1 controls (a terminal obeys them), line separators, surrogates.
// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const NEEDS_CARE = /["\\\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/;
const CONTROLS = /[\u007f-\u009f\u2028\u2029]/g;

/** Gives a string as JSON, quotes included, safe to print on a terminal: no control character stays as it is. */
export function jsonText(value: string): string {
  if (!NEEDS_CARE.test(value)) return `"${value}"`;
  return JSON.stringify(value).replace(
    CONTROLS,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
