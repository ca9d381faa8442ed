import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { GatewayError } from '../errors.ts';
import type { CanonicalRequest, HeaderList } from '../exchange.ts';
import { cookieValues } from '../lib/cookies.ts';
import { isOwnOrigin } from '../lib/own-origin.ts';
import type { Visit } from './page.ts';
import { oneField } from './page.ts';

/** Ties forms to one browser, also before there is a session (RFC 6265bis §4.1.3.2). */
export const FORM_COOKIE = '__Host-sallyport-form';

/** Name of the field that carries the token. */
export const TOKEN_FIELD = 'token';

/** What a page needs to make forms. */
export interface FormSeal {
  /** Value of the token field. */
  readonly token: string;
  /** `set-cookie` when the browser has no cookie yet; flat. */
  readonly headers: HeaderList;
}

/**
 * Gives the token for the forms of a page.
 *
 * @param binding - what else the form is tied to, e.g. the id of the session; empty before there is one
 */
export function sealForm(visit: Visit, binding: string): FormSeal {
  const known = browserSecret(visit.request);
  const secret = known ?? newBrowserSecret();
  return { token: tokenOf(secret, binding), headers: known === undefined ? formCookie(secret) : [] };
}

/** Gives a new secret for a browser that has none: 256 bits, base64url. */
export function newBrowserSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Gives a browser that has none the cookie that ties forms to it. */
export function formCookie(secret: string): HeaderList {
  return ['set-cookie', `${FORM_COOKIE}=${secret}; Path=/; Secure; HttpOnly; SameSite=Lax`];
}

/** Gives the secret that ties forms to this browser; `undefined` when there is none, or more than one. */
export function browserSecret({ cookie }: CanonicalRequest): string | undefined {
  const values = cookieValues(cookie, FORM_COOKIE);
  const [secret] = values;
  return values.length === 1 && secret !== undefined && /^[\w-]{43}$/.test(secret) ? secret : undefined;
}

/**
 * Demands that a form was made for this browser and binding, and was sent by a page of this origin.
 *
 * @throws SP_SIGN_IN_FOREIGN_FORM, SP_SIGN_IN_NO_COOKIE when the browser sent no cookie back
 *
 * Security: login CSRF: without it a page elsewhere could sign a visitor in under the name of its author. What the browser
 * says of the origin cannot be forged by a page and suffices; the token stands in where it says nothing. It must not be asked for
 * beside it: tabs that open at once, before there is a cookie, each get one, and all but the last would be refused.
 */
export function demandOwnForm(visit: Visit, binding: string): void {
  const origin = originOf(visit.request);
  if (origin === 'foreign') throw foreign('form-of-another-origin');
  const secret = browserSecret(visit.request);
  if (secret === undefined) throw new GatewayError('SP_SIGN_IN_NO_COOKIE', { reason: 'form-cookie-absent' });
  if (origin === 'own') return;
  const sent = visit.header('x-sallyport-form') ?? oneField(visit.form, TOKEN_FIELD) ?? '';
  const wanted = tokenOf(secret, binding);
  if (sent.length !== wanted.length || !timingSafeEqual(Buffer.from(sent), Buffer.from(wanted))) {
    throw foreign('form-token');
  }
}

/** Gives what the browser says of the page that made the request (Fetch Metadata, RFC 6454). */
export function originOf(request: CanonicalRequest): 'own' | 'foreign' | 'unknown' {
  const [site, ...otherSites] = valuesOf(request.headers, 'sec-fetch-site');
  const [origin, ...otherOrigins] = valuesOf(request.headers, 'origin');
  if (otherSites.length > 0 || otherOrigins.length > 0) return 'foreign';
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return 'foreign';
  if (origin === undefined) return site === 'same-origin' ? 'own' : 'unknown';
  if (origin === 'null') return site === 'same-origin' ? 'own' : 'foreign';
  return isOwnOrigin(origin, request.authority) ? 'own' : 'foreign';
}

function tokenOf(secret: string, binding: string): string {
  return createHmac('sha256', secret).update(`form ${binding}`).digest('base64url');
}

function valuesOf(headers: HeaderList, name: string): string[] {
  return headers.filter((_, i) => i % 2 === 1 && headers[i - 1] === name);
}

function foreign(reason: string): GatewayError {
  return new GatewayError('SP_SIGN_IN_FOREIGN_FORM', { reason });
}
