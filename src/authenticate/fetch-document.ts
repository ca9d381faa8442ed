import type { IncomingMessage } from 'node:http';
import { sendRequest } from '../lib/send-request.ts';

export interface FetchOptions {
  /** PEM certificates that replace the system's authorities; `undefined`: the system's. */
  readonly ca: string | undefined;
  /** From the look-up of the name to the last byte, milliseconds. */
  readonly timeoutMs: number;
  readonly maxBytes: number;
  readonly signal?: AbortSignal;
}

const LOOPBACK = /^(localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/** Gives what keeps a URL from being fetched from, or `undefined` when nothing does. */
export function urlProblem(text: string): string | undefined {
  if (!URL.canParse(text)) return 'it is not a URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '') return 'it holds a credential';
  if (url.protocol === 'https:') return undefined;
  if (url.protocol !== 'http:') return 'it must begin with https://';
  return LOOPBACK.test(url.hostname) ? undefined : 'http:// is accepted for this machine only; use https://';
}

/**
 * Gives the text of a document fetched over HTTPS, or over HTTP from this machine.
 *
 * Security: redirects are not followed, only status 200 counts, the size is bounded while it is read, and no error
 * tells the URL or the content.
 * @throws Error saying what was wrong
 */
export async function fetchDocument(url: string, options: FetchOptions): Promise<string> {
  const problem = urlProblem(url);
  if (problem !== undefined) throw new Error(`the address is refused: ${problem}`);
  const timeout = AbortSignal.timeout(options.timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    return await readAll(await request(new URL(url), options.ca, signal), options.maxBytes);
  } catch (error) {
    if (timeout.aborted) throw new Error(`no answer within ${options.timeoutMs} ms`, { cause: error });
    throw error;
  }
}

function request(url: URL, ca: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
  const headers = { accept: 'application/jwk-set+json, application/json', 'accept-encoding': 'identity' };
  // A connection of its own: nothing kept alive is left behind between two fetches minutes apart.
  return sendRequest(url, { agent: false, headers, signal, ...(ca === undefined ? {} : { ca }) });
}

async function readAll(response: IncomingMessage, maxBytes: number): Promise<string> {
  const { statusCode } = response;
  try {
    if (statusCode !== 200) throw new Error(`the answer has status ${statusCode ?? 'unknown'}`);
    if (response.headers['content-encoding'] !== undefined) throw new Error('the answer is compressed');
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of response) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw new Error(`the answer is longer than ${maxBytes} bytes`);
      chunks.push(chunk);
    }
    if (!response.complete) throw new Error('the answer ended early');
    return Buffer.concat(chunks).toString('utf8');
  } finally {
    response.destroy();
  }
}
