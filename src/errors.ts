/** Log level of a failure: what the operator should look at first. */
export type Severity = 'debug' | 'info' | 'warn' | 'error';

interface ErrorRow {
  /** HTTP status of the answer. */
  readonly status: number;
  /** Public title: what the person who asked may read. */
  readonly title: string;
  readonly level: Severity;
}

/**
 * Every error code. Stable for ever: a code is never renamed and never used for something else.
 * `docs/errors.md` is generated from this table.
 */
export const ERRORS = {
  // listen: the request as it came over the wire
  SP_LISTEN_BAD_REQUEST: { status: 400, title: 'The request is malformed', level: 'info' },
  SP_LISTEN_BAD_PATH: { status: 400, title: 'The path can be read in more than one way', level: 'info' },
  SP_LISTEN_BAD_HOST: { status: 400, title: 'The host name is missing or malformed', level: 'info' },
  SP_LISTEN_BAD_HEADER: { status: 400, title: 'A header name or value is not accepted', level: 'info' },
  SP_LISTEN_BODY_TOO_LARGE: { status: 413, title: 'The request body is too large', level: 'info' },
  SP_LISTEN_URL_TOO_LONG: { status: 414, title: 'The URL is too long', level: 'info' },
  SP_LISTEN_HEADERS_TOO_LARGE: { status: 431, title: 'The request headers are too large', level: 'info' },
  SP_LISTEN_TIMEOUT: { status: 408, title: 'The request took too long to arrive', level: 'info' },
  SP_LISTEN_METHOD_REFUSED: { status: 405, title: 'This method is not accepted', level: 'info' },
  SP_LISTEN_EXPECTATION: { status: 417, title: 'This expectation is not supported', level: 'info' },
  SP_LISTEN_STOPPING: { status: 503, title: 'The gateway is stopping', level: 'info' },

  // route: which service is meant
  SP_ROUTE_NOT_FOUND: { status: 404, title: 'Nothing is served here', level: 'info' },
  SP_ROUTE_MISDIRECTED: { status: 421, title: 'This host is not served on this connection', level: 'info' },

  // authenticate: who is asking
  SP_AUTHENTICATE_REQUIRED: { status: 401, title: 'Sign-in is required', level: 'info' },
  SP_AUTHENTICATE_REJECTED: { status: 401, title: 'The credential was not accepted', level: 'info' },
  SP_AUTHENTICATE_AMBIGUOUS: { status: 400, title: 'More than one credential was sent', level: 'info' },
  SP_AUTHENTICATE_THROTTLED: { status: 429, title: 'Too many failed attempts', level: 'warn' },
  SP_AUTHENTICATE_UNAVAILABLE: {
    status: 503,
    title: 'Sign-in is not possible at the moment',
    level: 'error',
  },

  // authorize: may they
  SP_AUTHORIZE_DENIED: { status: 403, title: 'You may not use this', level: 'info' },
  SP_AUTHORIZE_ORIGIN: {
    status: 403,
    title: 'A page of another site may not ask for this',
    level: 'warn',
  },
  SP_AUTHORIZE_CERTIFICATE: { status: 403, title: 'A client certificate is required', level: 'info' },
  SP_AUTHORIZE_SECOND_FACTOR: { status: 403, title: 'A second factor is required', level: 'info' },
  SP_AUTHORIZE_REAUTHENTICATE: { status: 401, title: 'Please sign in again to go on', level: 'info' },

  // forward: the service behind
  SP_FORWARD_UNREACHABLE: { status: 502, title: 'The service cannot be reached', level: 'error' },
  SP_FORWARD_BAD_ANSWER: { status: 502, title: 'The service gave an invalid answer', level: 'error' },
  SP_FORWARD_TLS: { status: 502, title: 'The service could not prove who it is', level: 'error' },
  SP_FORWARD_NO_TARGET: { status: 503, title: 'The service is not available', level: 'error' },
  SP_FORWARD_BUSY: { status: 503, title: 'The service is too busy', level: 'warn' },
  SP_FORWARD_TIMEOUT: { status: 504, title: 'The service took too long to answer', level: 'error' },
  SP_FORWARD_CLIENT_GONE: { status: 499, title: 'The client went away', level: 'debug' },

  // state: where sessions and accounts are kept
  SP_STATE_UNREACHABLE: { status: 503, title: 'The state cannot be reached', level: 'error' },
  SP_STATE_CORRUPT: { status: 500, title: 'A stored record cannot be read', level: 'error' },
  SP_STATE_FULL: { status: 507, title: 'The state has no room left', level: 'error' },
  SP_STATE_KEY: { status: 500, title: 'The state was sealed with another key', level: 'error' },

  // certificates
  SP_CERTIFICATE_INVALID: { status: 422, title: 'The certificate was not accepted', level: 'warn' },
  SP_CERTIFICATE_UNKNOWN: { status: 404, title: 'There is no certificate of this name', level: 'info' },
  SP_CERTIFICATE_NO_PREVIOUS: {
    status: 409,
    title: 'There is no previous certificate to return to',
    level: 'info',
  },
  SP_CERTIFICATE_CONFLICT: {
    status: 409,
    title: 'The certificate was changed by somebody else',
    level: 'info',
  },
  SP_CERTIFICATE_UNCONFIRMED: {
    status: 503,
    title: 'Not every process could serve the certificate: nothing was changed',
    level: 'error',
  },
  SP_CERTIFICATE_ORDER: { status: 502, title: 'The certificate could not be ordered', level: 'error' },

  // sign-in: the internal pages
  SP_SIGN_IN_FOREIGN_FORM: {
    status: 403,
    title: 'This form is too old, or another page sent it: go back, reload and try again',
    level: 'warn',
  },
  SP_SIGN_IN_NO_COOKIE: {
    status: 400,
    title: 'Your browser did not send a cookie back: allow cookies for this site, then reload and try again',
    level: 'info',
  },
  SP_SIGN_IN_BAD_FORM: { status: 400, title: 'The form could not be read', level: 'info' },
  SP_SIGN_IN_NOT_FOUND: { status: 404, title: 'There is no such page', level: 'info' },
  SP_SIGN_IN_PROVIDER: {
    status: 503,
    title: 'The sign-in provider cannot be used at the moment',
    level: 'error',
  },
  SP_SIGN_IN_FLOW: { status: 400, title: 'This sign-in could not be completed', level: 'warn' },
  SP_SIGN_IN_LOGOUT: { status: 400, title: 'The logout token was not accepted', level: 'warn' },

  // config
  SP_CONFIG_INVALID: { status: 422, title: 'The configuration has errors', level: 'error' },

  // admin
  SP_ADMIN_UNAUTHORIZED: { status: 401, title: 'The admin token is missing or wrong', level: 'warn' },
  SP_ADMIN_FORBIDDEN: {
    status: 403,
    title: 'The admin API does not answer this kind of caller',
    level: 'warn',
  },
  SP_ADMIN_BAD_REQUEST: { status: 400, title: 'The request is malformed', level: 'info' },
  SP_ADMIN_NOT_FOUND: { status: 404, title: 'There is no such resource', level: 'info' },
  SP_ADMIN_METHOD_REFUSED: { status: 405, title: 'This method is not accepted here', level: 'info' },
  SP_ADMIN_TOO_LARGE: { status: 413, title: 'The request body is too large', level: 'info' },
  SP_ADMIN_MEDIA_TYPE: { status: 415, title: 'The body must be application/json', level: 'info' },

  // anything that was not foreseen
  SP_INTERNAL: { status: 500, title: 'Something went wrong inside the gateway', level: 'error' },
} as const satisfies Record<string, ErrorRow>;

/** A code of the table. */
export type ErrorCode = keyof typeof ERRORS;

/** What a failure says beside its code. */
export interface GatewayErrorOptions {
  /** Private explanation for the log. Security: no credential, token, cookie, key or Redis argument. */
  readonly detail?: string | undefined;
  /** Word from a closed set, for the log and the metrics. */
  readonly reason?: string;
  readonly cause?: unknown;
  /** Header fields that the answer must carry, e.g. WWW-Authenticate; flat, names lower-case. */
  readonly headers?: readonly string[];
  /** Public list of what is wrong, for answers that name every problem (certificates, config). */
  readonly problems?: readonly string[];
}

/** A failure with a stable code; status and public title come from the table, all else is for the log. */
export class GatewayError extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly title: string;
  readonly level: Severity;
  readonly detail: string | undefined;
  readonly reason: string | undefined;
  readonly headers: readonly string[];
  readonly problems: readonly string[];

  constructor(code: ErrorCode, options: GatewayErrorOptions = {}) {
    const row = ERRORS[code];
    super(`${code}: ${options.detail ?? row.title}`, { cause: options.cause });
    this.name = 'GatewayError';
    this.code = code;
    this.status = row.status;
    this.title = row.title;
    this.level = row.level;
    this.detail = options.detail;
    this.reason = options.reason;
    this.headers = options.headers ?? [];
    this.problems = options.problems ?? [];
  }
}

/** Gives any thrown value as a `GatewayError`; what was not foreseen becomes `SP_INTERNAL` and hides its message from the public. */
export function asGatewayError(thrown: unknown): GatewayError {
  if (thrown instanceof GatewayError) return thrown;
  const detail = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : typeof thrown;
  return new GatewayError('SP_INTERNAL', { detail, cause: thrown, reason: 'unforeseen' });
}

/** Tells whether the state could not do what was asked but may later: it cannot be reached, or has no room. */
export function isStateAway(thrown: unknown): thrown is GatewayError {
  return (
    thrown instanceof GatewayError &&
    (thrown.code === 'SP_STATE_UNREACHABLE' || thrown.code === 'SP_STATE_FULL')
  );
}
