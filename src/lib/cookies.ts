/**
 * Gives every value that a `Cookie` field has for one name, in order.
 *
 * Names are compared exactly; a value in double quotes is given without them; nothing is decoded.
 *
 * @param field - several fields joined by `; `; `undefined` for none
 * @see RFC 6265 §4.2.1, §5.4
 */
export function cookieValues(field: string | undefined, name: string): readonly string[] {
  if (field === undefined || !field.includes(name)) return [];
  const values: string[] = [];
  for (const pair of field.split(';')) {
    const mark = pair.indexOf('=');
    if (mark === -1 || pair.slice(0, mark).trim() !== name) continue;
    const value = pair.slice(mark + 1).trim();
    values.push(/^".*"$/.test(value) ? value.slice(1, -1) : value);
  }
  return values;
}
