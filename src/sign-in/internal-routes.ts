import type { RouteConfig } from '../config/config.ts';
import type { MethodName } from '../exchange.ts';

/** Prefix of the gateway's own pages on every host; no route of the configuration can have it. */
export const RESERVED_PATH = '/.sallyport';

/**
 * Gives the routes of the gateway's own pages for one host: ordinary routes to an internal upstream, so that the
 * corridor treats them like any other.
 *
 * @param configured - methods that the configuration knows, in the order in which they are asked
 */
export function internalRoutes(
  host: string,
  upstream: string,
  configured: readonly MethodName[],
): readonly RouteConfig[] {
  const base: RouteConfig = {
    id: RESERVED_PATH,
    host,
    path: RESERVED_PATH,
    upstream,
    public: true,
    accept: [],
    clientCertificate: undefined,
    allow: undefined,
    storeDown: 'grace',
    passCredential: false,
    stripPath: false,
    bodyBytes: 16 * 1024,
    streamIdleMs: 0,
    audience: 'sallyport',
    origins: 'same',
    secondFactor: 'not-asked',
    maxAgeMs: undefined,
    reauthMs: 0,
    cors: [],
    signIn: 'auto',
  };
  const page = (name: string, change: Partial<RouteConfig>): RouteConfig => ({
    ...base,
    ...change,
    id: `${RESERVED_PATH}/${name}`,
    path: `${RESERVED_PATH}/${name}`,
  });
  const signIn = configured.filter((method) => method !== 'token');
  const pages = [base, page('jwks.json', {})];
  if (configured.length > 0) {
    pages.push(page('whoami', { public: false, accept: configured, allow: 'authenticated' }));
  }
  if (signIn.length > 0) {
    pages.push(page('token', { public: false, accept: signIn, allow: 'authenticated', storeDown: 'closed' }));
  }
  if (configured.includes('session')) {
    const own = { public: false, accept: ['session'], allow: 'authenticated', storeDown: 'closed' } as const;
    pages.push(page('account', own), page('resume', own));
  }
  return pages;
}
