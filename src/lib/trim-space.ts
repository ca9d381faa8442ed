/**
 * Gives a field value without the spaces and tabs around it (RFC 9110 §5.5), and nothing else taken away: `trim()` would
 * take 0xA0 as well, which ends many a letter in UTF-8.
 *
 * @param text - latin1
 */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isSpace(text.charCodeAt(start))) start++;
  while (end > start && isSpace(text.charCodeAt(end - 1))) end--;
  return start === 0 && end === text.length ? text : text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09;
}
