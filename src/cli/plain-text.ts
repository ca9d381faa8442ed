// biome-ignore lint/suspicious/noControlCharactersInRegex: finding control characters is the purpose
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g;

/** Gives text without the control characters that a terminal would obey; tabs and line feeds stay. */
export function plainText(text: string): string {
  return text.replace(CONTROLS, '?');
}
