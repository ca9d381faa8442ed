import type { GatewayError } from '../errors.ts';
import type { Answered, CanonicalRequest } from '../exchange.ts';

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
): Answered {
  const status = error.status === 499 ? 502 : error.status;
  const page = request !== undefined && wantsPage(request);
  const body = Buffer.from(page ? pageOf(error, status, id) : problemOf(error, status, id));
  const headers = [
    ...error.headers,
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

const PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/** A browser asks for a page: it navigates (Fetch Metadata), or, without that, prefers HTML. */
function wantsPage({ headers, method, upgrade }: CanonicalRequest): boolean {
  if (upgrade !== undefined || (method !== 'GET' && method !== 'HEAD')) return false;
  let accept = '';
  let mode: string | undefined;
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'accept') accept = headers[i + 1] ?? '';
    else if (headers[i] === 'sec-fetch-mode') mode = headers[i + 1];
    else if (headers[i] === 'x-requested-with') return false;
  }
  return (mode === undefined || mode === 'navigate') && accept.startsWith('text/html');
}

function problemOf(error: GatewayError, status: number, id: string): string {
  return `${JSON.stringify({
    type: 'about:blank',
    title: error.title,
    status,
    code: error.code,
    requestId: id,
  })}\n`;
}

function pageOf(error: GatewayError, status: number, id: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><title>${error.title}</title></head>
<body>
<main>
<h1>${error.title}</h1>
<p>Status ${status}, code <code>${error.code}</code>.</p>
<p>If you ask for help, name this request: <code>${id}</code></p>
</main>
</body>
</html>
`;
}
