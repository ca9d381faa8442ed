import { GatewayError } from '../errors.ts';
import type { Arrived } from '../exchange.ts';
import { ipPrefix } from '../lib/ip-prefix.ts';
import type { Counters } from '../state/store.ts';
import { browserSecret, formCookie, newBrowserSecret, originOf } from './form-token.ts';
import { RESERVED_PATH } from './internal-routes.ts';
import type { OneTime } from './one-time.ts';
import { readWhole } from './page-body.ts';

/** Kind of the record that is kept. */
export const KEPT_FORM = 'form';
/** Largest body that survives a sign-in. */
const MAX_BYTES = 64 * 1024;
const KEPT_MS = 10 * 60_000;
/** Most forms that are kept for one address prefix, and for everybody, in that time: strangers can send them. */
const MAX_PER_PREFIX = 20;
const MAX_IN_ALL = 2_000;

/** A form that was kept, and where its owner finds it again. */
export interface KeptForm {
  /** Path of the page that asks whether to send it. */
  readonly resume: string;
  /** `set-cookie` for a browser that has no cookie yet; flat. */
  readonly headers: readonly string[];
}

export interface FormKeeper {
  /** Keeps what a page sent; `undefined` for what is not kept. */
  keep(arrived: Arrived): Promise<KeptForm | undefined>;
}

/**
 * Gives the keeper of forms that were sent when the session was over.
 *
 * Security: kept sealed, for one browser and host. A form that a page of another origin sent is never kept: asking its owner would be
 * cross-site request forgery with a click.
 */
export function makeFormKeeper(oneTime: OneTime, counters: Counters): FormKeeper {
  return {
    async keep(arrived) {
      const { request, body, client } = arrived;
      const type = fieldOf(request.headers, 'content-type');
      const isTooLarge = (request.contentLength ?? 0) > MAX_BYTES;
      if (body === null || type === undefined || isTooLarge || !isProvenOwn(arrived)) return undefined;
      if (fieldOf(request.headers, 'content-encoding') !== undefined) return undefined;
      if (!(await hasRoom(counters, ipPrefix(client.address)))) return undefined;
      const bytes = await readWhole(body, MAX_BYTES).catch(noneIfTooLarge);
      if (bytes === undefined) return undefined;
      const known = browserSecret(request);
      const browser = known ?? newBrowserSecret();
      const { authority, path, query } = request;
      const kept = { authority, path, query, type, body: bytes.toString('base64') };
      const id = await oneTime.keep(KEPT_FORM, kept, { browser, ttlMs: KEPT_MS });
      return {
        resume: `${RESERVED_PATH}/resume?form=${id}`,
        headers: known === undefined ? formCookie(browser) : [],
      };
    },
  };
}

/** Absence of a proof is not enough here: some field must say that the page was ours. */
function isProvenOwn({ request }: Arrived): boolean {
  const says = fieldOf(request.headers, 'sec-fetch-site') ?? fieldOf(request.headers, 'origin');
  return says !== undefined && says !== 'none' && originOf(request) !== 'foreign';
}

async function hasRoom(counters: Counters, prefix: string): Promise<boolean> {
  const [own, all] = await Promise.all([
    counters.increment(`kept-forms:${prefix}`, KEPT_MS),
    counters.increment('kept-forms', KEPT_MS),
  ]);
  return own.count <= MAX_PER_PREFIX && all.count <= MAX_IN_ALL;
}

function noneIfTooLarge(thrown: unknown): undefined {
  if (thrown instanceof GatewayError && thrown.code === 'SP_LISTEN_BODY_TOO_LARGE') return undefined;
  throw thrown;
}

function fieldOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((_, i) => i % 2 === 0 && headers[i] === name);
  return at === -1 ? undefined : headers[at + 1];
}
