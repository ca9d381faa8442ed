import type { GatewayError } from '../errors.ts';
import type { Answered, CanonicalRequest } from '../exchange.ts';
import { STYLE_PATH } from '../lib/page-style.ts';

/** How the answer of a failure differs from the plain one. */
export interface FailureExtras {
  /** Further members of the problem. */
  readonly members?: Readonly<Record<string, string>>;
  /** Further fields; flat. */
  readonly headers?: readonly string[];
  /** Leaves `WWW-Authenticate` out, where a browser would ask for a password by itself. */
  readonly withoutChallenge?: boolean;
}

/**
 * Gives the public answer of a failure: problem+json (RFC 9457), or a page for a browser that navigates.
 *
 * @param request - `undefined` when the request could not even be read
 *
 * Security: only what the error table calls public is in it; `detail`, `reason` and `cause` are for the log.
 */
export function failureAnswer(
  error: GatewayError,
  request: CanonicalRequest | undefined,
  id: string,
  { members = {}, headers: further = [], withoutChallenge = false }: FailureExtras = {},
): Answered {
  const status = error.status === 499 ? 502 : error.status;
  const page = request !== undefined && wantsPage(request);
  const body = Buffer.from(page ? pageOf(error, status, id) : problemOf(error, members, { status, id }));
  const headers = [
    ...(withoutChallenge ? withoutField(error.headers, 'www-authenticate') : error.headers),
    ...further,
    'content-type',
    page ? 'text/html; charset=utf-8' : 'application/problem+json',
    'cache-control',
    'no-store',
    'x-request-id',
    id,
  ];
  if (page) headers.push('content-security-policy', PAGE_POLICY, 'x-content-type-options', 'nosniff');
  return { status, headers, body: request?.method === 'HEAD' ? null : body };
}

const PAGE_POLICY =
  "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** A browser asks for a page: it navigates (Fetch Metadata), or, without that, prefers HTML. */
function wantsPage({ headers, method, upgrade }: CanonicalRequest): boolean {
  if (upgrade !== undefined) return false;
  let accept = '';
  let mode: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'accept') accept = headers[i + 1] ?? '';
    else if (headers[i] === 'sec-fetch-mode') mode = headers[i + 1];
    else if (headers[i] === 'x-requested-with') return false;
  }
  const reads = method === 'GET' || method === 'HEAD';
  return (mode === undefined ? reads : mode === 'navigate') && accept.startsWith('text/html');
}

function withoutField(headers: readonly string[], name: string): readonly string[] {
  return headers.filter((_, i) => headers[i - (i % 2)] !== name);
}

function problemOf(
  error: GatewayError,
  members: Readonly<Record<string, string>>,
  { status, id }: { readonly status: number; readonly id: string },
): string {
  const { title, code } = error;
  return `${JSON.stringify({ type: 'about:blank', title, status, code, requestId: id, ...members })}\n`;
}

/** Of this page only the title comes from a table, and it is ours; the id is letters and digits. */
function pageOf({ title, code }: GatewayError, status: number, id: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
<link rel="icon" href="/.sallyport/mark.svg" type="image/svg+xml">
<link rel="stylesheet" href="${STYLE_PATH}">
</head>
<body>
<main id="main" class="narrow">
<h1>${title}</h1>
<dl><dt>Status</dt><dd>${status}</dd><dt>Code</dt><dd><code>${code}</code></dd><dt>Request</dt><dd><code>${id}</code></dd></dl>
<p class="quiet">If you ask for help, name the request.</p>
</main>
</body>
</html>
`;
}
