import { JsonFields } from '../../lib/json-fields.ts';
import { AcmeError, type AcmeReason } from './acme-error.ts';
import { retryAfterMs } from './retry-after.ts';
import type { Reply } from './wire.ts';

const MOST_TEXT = 300;
const MOST_SUBPROBLEMS = 5;
/** How long a CA that sets a rate limit is left alone when it does not say how long. */
const RATE_LIMIT_MS = 3600_000;

/** Gives what a problem document says, shortened and printable: `type: detail` (RFC 7807, RFC 8555 §6.7). */
export function problemText(fields: JsonFields): { readonly type: string; readonly text: string } {
  const type = plain(fields.optionalText('type') ?? 'about:blank').replace(
    /^urn:ietf:params:acme:error:/,
    '',
  );
  const detail = plain(fields.optionalText('detail') ?? '');
  const more = fields.has('subproblems') ? fields.objects('subproblems').slice(0, MOST_SUBPROBLEMS) : [];
  const parts = more.map((one) => plain(one.optionalText('detail') ?? ''));
  return { type, text: [`${type}: ${detail}`, ...parts].filter((part) => part !== '').join('; ') };
}

/** Gives a refusing answer as a failure. @param what - what was asked for */
export function problemOf(reply: Reply, now: number, what: string): AcmeError {
  const { type, text } = read(reply);
  const asked = retryAfterMs(reply.headers['retry-after'], now);
  const limited = reply.status === 429 || type === 'rateLimited';
  return new AcmeError({
    reason: limited ? 'rate-limited' : reasonOf(reply.status),
    detail: `the CA refused ${what} with ${reply.status} ${text}`,
    type,
    retryAfterMs: asked ?? (limited ? RATE_LIMIT_MS : undefined),
  });
}

function reasonOf(status: number): AcmeReason {
  if (status >= 500) return 'unreachable';
  return status >= 400 ? 'refused' : 'malformed';
}

function read({ body }: Reply): { readonly type: string; readonly text: string } {
  try {
    return problemText(new JsonFields(body, (why) => new TypeError(why)));
  } catch {
    return { type: 'about:blank', text: '' };
  }
}

function plain(text: string): string {
  return text.replace(/[^\x20-\x7e]+/g, ' ').slice(0, MOST_TEXT);
}
