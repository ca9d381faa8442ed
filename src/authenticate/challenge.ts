/**
 * Gives a quoted-string for a challenge parameter.
 *
 * Security: quote and backslash are escaped, and what may not stand in a quoted-string (control characters, bytes
 * beyond ASCII) becomes `?`, so that no configured text can end the parameter or the header field.
 * @see RFC 9110 §5.6.4
 */
function quoted(text: string): string {
  return `"${text.replace(/[^\x20-\x7e]/gu, '?').replace(/["\\]/g, '\\$&')}"`;
}

/** Gives the `Basic` challenge; it announces UTF-8. @see RFC 7617 §2 */
export function basicChallenge(realm: string): string {
  return `Basic realm=${quoted(realm)}, charset="UTF-8"`;
}

/**
 * Gives the `Bearer` challenge. A refused token is told as `invalid_token` and nothing else.
 * @param refused - whether a token was sent; without one RFC 6750 §3.1 wants no error code
 */
export function bearerChallenge(realm: string, refused: boolean): string {
  return `Bearer realm=${quoted(realm)}${refused ? ', error="invalid_token"' : ''}`;
}
