import type { CanonicalRequest } from '../exchange.ts';

/**
 * Tells whether a browser asks for a page to show: by Fetch Metadata, and without it by what the request accepts.
 *
 * @see https://www.w3.org/TR/fetch-metadata/
 */
export function isNavigation(request: CanonicalRequest): boolean {
  const { mode, dest, accept, requestedWith } = factsOf(request);
  if (request.upgrade !== undefined || requestedWith) return false;
  if (mode !== undefined) return mode === 'navigate' && (dest === undefined || dest === 'document');
  return /(?:^|,)\s*text\/html/i.test(accept);
}

/** Tells whether a script in a page made the request; a browser would answer `WWW-Authenticate` to it with a prompt. */
export function isScript(request: CanonicalRequest): boolean {
  const { mode, requestedWith } = factsOf(request);
  return requestedWith || (mode !== undefined && mode !== 'navigate');
}

function factsOf({ headers }: CanonicalRequest): {
  readonly mode: string | undefined;
  readonly dest: string | undefined;
  readonly accept: string;
  readonly requestedWith: boolean;
} {
  let mode: string | undefined;
  let dest: string | undefined;
  let accept = '';
  let requestedWith = false;
  for (let i = 0; i < headers.length; i += 2) {
    const value = headers[i + 1] ?? '';
    if (headers[i] === 'sec-fetch-mode') mode = value;
    else if (headers[i] === 'sec-fetch-dest') dest = value;
    else if (headers[i] === 'accept') accept = value;
    else if (headers[i] === 'x-requested-with') requestedWith = true;
  }
  return { mode, dest, accept, requestedWith };
}
