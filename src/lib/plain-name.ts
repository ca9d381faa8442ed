/** Control characters would end up in header fields and logs. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/;
const MAX_NAME_CHARS = 256;

/** Says whether a text can be a name: 1 to 256 characters, none of them a control character. */
export function isPlainName(text: string): boolean {
  return text !== '' && text.length <= MAX_NAME_CHARS && !CONTROL.test(text);
}
