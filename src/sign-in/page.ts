import type { Admitted, Answered, CanonicalRequest, Client, HeaderList, Identity } from '../exchange.ts';

/** One visit to a page of the gateway: everything that a page may read of its request. */
export interface Visit {
  readonly admitted: Admitted;
  readonly request: CanonicalRequest;
  readonly client: Client;
  /** Who is asking; `null` on pages that are public. */
  readonly identity: Identity | null;
  readonly query: URLSearchParams;
  /** Variable segments of the page's path, by name. */
  readonly params: Readonly<Record<string, string>>;
  /** Gives every value of the cookies of a name, in the order of the field; unquoted, not decoded. */
  readonly cookies: (name: string) => readonly string[];
  /** Gives the field's value; `undefined` when it is absent or there more than once. Names lower-case. */
  readonly header: (name: string) => string | undefined;
  /** Fields of an `application/x-www-form-urlencoded` body; empty when there is none. */
  readonly form: URLSearchParams;
  /** Value of an `application/json` body; `undefined` when there is none. */
  readonly json: unknown;
}

/** What a page answers. The fields that every answer of a page carries are added behind it. */
export interface PageAnswer {
  readonly status: number;
  /** Flat, names lower-case: `location`, `set-cookie`, and `cache-control` where it is not to be `no-store`. */
  readonly headers: HeaderList;
  readonly type: string;
  readonly body: string | Uint8Array;
}

/**
 * @returns the page's own answer, or one that the corridor gave to it
 * @throws GatewayError, or rejects with one: it becomes the answer of the corridor
 */
export type Page = (visit: Visit) => PageAnswer | Promise<PageAnswer | Answered>;

/** One row of the table of pages. */
export interface PageRow {
  readonly method: 'GET' | 'POST';
  /** Below the reserved path, e.g. `/callback/:provider`; its policy is in `internal-routes.ts`. */
  readonly path: string;
  readonly page: Page;
}

/** Gives the one value of a field; `undefined` when it is absent or there more than once. */
export function oneField(fields: URLSearchParams, name: string): string | undefined {
  const values = fields.getAll(name);
  return values.length === 1 ? values[0] : undefined;
}

/** Gives an answer of JSON. */
export function jsonAnswer(value: unknown, headers: HeaderList = [], status = 200): PageAnswer {
  return { status, headers, type: 'application/json', body: JSON.stringify(value) };
}

/** Gives a redirect that the browser follows with GET (RFC 9110 §15.4.4). Security: `location` was judged already. */
export function seeOther(location: string, headers: HeaderList = []): PageAnswer {
  return { status: 303, headers: ['location', location, ...headers], type: 'text/plain', body: '' };
}
