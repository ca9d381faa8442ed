import type { HeaderList } from '../exchange.ts';

/**
 * Gives the fields of an upstream's answer that travel on to the client; hop-by-hop ones are gone already.
 *
 * Security: an upstream may not set the gateway's session cookie, or it could give its visitors another's session.
 */
export function answerHeaders(headers: HeaderList, sessionCookie: string): HeaderList {
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'set-cookie' && (headers[i + 1] ?? '').trimStart().startsWith(sessionCookie)) {
      return withoutSessionCookie(headers, sessionCookie);
    }
  }
  return headers;
}

function withoutSessionCookie(headers: HeaderList, sessionCookie: string): HeaderList {
  const kept: string[] = [];
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? '';
    const value = headers[i + 1] ?? '';
    const cookie = name === 'set-cookie' ? value.slice(0, value.indexOf('=')).trim() : '';
    if (cookie !== sessionCookie) kept.push(name, value);
  }
  return kept;
}
