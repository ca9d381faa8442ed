import { type IncomingMessage, type RequestOptions, request as requestPlain } from 'node:http';
import { request as requestTls, type RequestOptions as TlsRequestOptions } from 'node:https';

/**
 * Sends one request over HTTPS, or over HTTP when the target says so, and gives the head of its answer.
 *
 * The body of the answer is the caller's, to read within bounds or to destroy. Redirects are answers like any other.
 *
 * @throws the system's error when there is no answer, the signal's when it was given up
 */
export function sendRequest(
  target: URL,
  options: RequestOptions & TlsRequestOptions,
  body?: string,
): Promise<IncomingMessage> {
  const request = target.protocol === 'https:' ? requestTls : requestPlain;
  return new Promise((resolve, reject) => {
    const asking = request(target, options, resolve);
    asking.on('error', reject);
    asking.end(body);
  });
}
