/** Optional padding only at the end (RFC 9110 §11.2). */
const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;
/** Control characters, which RFC 7617 §2 keeps out of names and passwords. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/;

/** Tells whether the field value begins with this scheme, in any case, followed by a space (RFC 9110 §11.4). */
export function hasScheme(authorization: string, scheme: string): boolean {
  const end = scheme.length;
  return authorization.charCodeAt(end) === 0x20 && authorization.slice(0, end).toLowerCase() === scheme;
}

/** Gives the scheme of an `Authorization` field value in lower case; the whole value when there is no space. */
export function schemeOf(authorization: string): string {
  const end = authorization.indexOf(' ');
  return (end < 0 ? authorization : authorization.slice(0, end)).toLowerCase();
}

/**
 * Gives the one token68 that follows the scheme.
 *
 * @returns `undefined` when there is none, more than one, or anything that is not a token68: parameters, lists, commas
 * @see RFC 9110 §11.4, RFC 6750 §2.1
 */
export function token68Of(authorization: string): string | undefined {
  const start = authorization.indexOf(' ');
  if (start < 0) return undefined;
  const credential = authorization.slice(start).replace(/^ +/, '');
  return TOKEN68.test(credential) ? credential : undefined;
}

/**
 * Gives name and password of a `Basic` credential; both are UTF-8, the name ends at the first colon.
 *
 * @returns `undefined` for wrong base64, wrong UTF-8, a control character, no colon or an empty name
 * @see RFC 7617 §2
 */
export function basicCredentialOf(
  authorization: string,
): { readonly name: string; readonly password: string } | undefined {
  const encoded = token68Of(authorization);
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, 'base64');
  // Buffer skips what is not base64; only text that encodes back to itself has one reading.
  if (bytes.toString('base64') !== encoded) return undefined;
  const text = strictUtf8(bytes);
  if (text === undefined || CONTROL.test(text)) return undefined;
  const colon = text.indexOf(':');
  if (colon < 1) return undefined;
  return { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** Gives the text of UTF-8 bytes, a byte order mark included, or `undefined` when they are not UTF-8. */
export function strictUtf8(bytes: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
