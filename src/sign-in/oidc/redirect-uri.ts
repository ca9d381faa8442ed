/**
 * Gives the address to which a provider sends the browser back, as it is registered there.
 *
 * @param authority - host with port of the canonical request, for which a route is configured
 */
export function redirectUri(authority: string, provider: string): URL {
  return new URL(`https://${authority}/.sallyport/callback/${provider}`);
}
