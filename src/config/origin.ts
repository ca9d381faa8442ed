/**
 * Gives an origin as browsers send it, or `undefined` when the text is more or less than that.
 *
 * @see RFC 6454 §6.2
 */
export function parseOrigin(written: string): string | undefined {
  const url = URL.parse(written);
  if (url === null || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
    return undefined;
  const bare = /^https?:\/\/[^/?#\\@\s]+$/i.test(written);
  return bare ? url.origin : undefined;
}
