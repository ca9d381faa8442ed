import type { HeaderList } from '../exchange.ts';
import { isOwnCookie } from './own-cookie.ts';

/**
 * Gives the fields of an upstream's answer that travel on to the client; hop-by-hop ones are gone already.
 *
 * Security: an upstream may not set the gateway's cookies, or it could give its visitors another's session or sign-in.
 */
export function answerHeaders(headers: HeaderList, sessionCookie: string): HeaderList {
  let kept: string[] | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    if (name === 'set-cookie' && setsCookie(value, sessionCookie)) kept ??= headers.slice(0, i);
    else kept?.push(name, value);
  }
  return kept ?? headers;
}

/** Gives the fields of an interim answer that travel on: a cookie is set by the answer itself or not at all. */
export function interimHeaders(headers: HeaderList): HeaderList {
  return headers.filter((_, i) => headers[i - (i % 2)] !== 'set-cookie');
}

/** A cookie without a name is sent back as its bare value (RFC 6265bis §5.6), which may look like a name with a value. */
function setsCookie(value: string, name: string): boolean {
  const pair = value.split(';', 1)[0] ?? '';
  const [first = ''] = pair.replace(/^[\s=]+/, '').split('=', 1);
  return isOwnCookie(first.trim(), name);
}
