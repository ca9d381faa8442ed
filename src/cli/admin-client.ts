import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { AdminAccess } from './admin-options.ts';
import { Complaint } from './complaint.ts';

/** Talks to the admin API of a running gateway. */
export interface AdminClient {
  /**
   * @param body - sent as JSON
   * @returns the parsed answer, `undefined` when it is empty
   * @throws Complaint with the problems that the gateway names, or why it cannot be reached
   */
  call(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown>;
}

const TIMEOUT_MS = 60_000;
const MOST_ANSWER_BYTES = 64 * 1024 * 1024;

/** Gives a client. Security: the gateway's certificate is always verified before the token is sent. */
export function makeAdminClient(access: AdminAccess): AdminClient {
  return {
    async call(method, path, body) {
      const payload = body === undefined ? undefined : JSON.stringify(body);
      const answer = await exchange(access, { method, path, payload });
      const json = parse(answer.text);
      if (answer.status < 300) return json;
      throw refusal(json, answer.status, access.url);
    },
  };
}

interface Order {
  readonly method: string;
  readonly path: string;
  readonly payload: string | undefined;
}

function exchange(
  access: AdminAccess,
  order: Order,
): Promise<{ readonly status: number; readonly text: string }> {
  const headers: Record<string, string | number> = {
    authorization: `Bearer ${access.token}`,
    'user-agent': 'sallyport-cli',
  };
  if (order.payload !== undefined) {
    headers['content-type'] = 'application/json';
    headers['content-length'] = Buffer.byteLength(order.payload);
  }
  const options: RequestOptions = { method: order.method, path: order.path, headers, timeout: TIMEOUT_MS };
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(unreachable(error, access.url));
    const take = (response: IncomingMessage) => {
      const chunks: Buffer[] = [];
      let length = 0;
      response.on('data', (chunk: Buffer) => {
        length += chunk.length;
        if (length > MOST_ANSWER_BYTES) response.destroy(new Error('the answer is too large'));
        chunks.push(chunk);
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
      );
      response.on('error', fail);
    };
    const request = access.url.startsWith('unix:')
      ? httpRequest({ ...options, socketPath: access.url.slice('unix:'.length) }, take)
      : httpsRequest(access.url, { ...options, ca: access.ca, agent: false }, take);
    request.on('timeout', () => request.destroy(new Error('no answer in time')));
    request.on('error', fail);
    request.end(order.payload);
  });
}

function parse(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function unreachable(error: Error, url: string): Complaint {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (['ECONNREFUSED', 'ENOENT', 'EHOSTUNREACH', 'ENOTFOUND', 'ETIMEDOUT'].includes(code)) {
    const remedy = 'start it with `sallyport start`, or name its address with --admin';
    // Only then is it certain that nobody listens.
    const reason = ['ECONNREFUSED', 'ENOENT'].includes(code) ? 'not-running' : undefined;
    return new Complaint('The gateway is not running', { where: url, remedy, reason, cause: error });
  }
  if (/CERT|SIGNATURE|ISSUER|SELF_SIGNED/.test(code)) {
    const remedy = 'name the authority of its certificate with --ca FILE';
    return new Complaint(`The admin certificate is not trusted (${code})`, {
      where: url,
      remedy,
      cause: error,
    });
  }
  // Those of OpenSSL end with a line feed.
  const what = error.message.trim();
  return new Complaint(`The gateway did not answer: ${what}`, { where: url, cause: error });
}

function refusal(json: unknown, status: number, url: string): Complaint {
  const problem: Readonly<Record<string, unknown>> =
    typeof json === 'object' && json !== null ? { ...json } : {};
  const title = typeof problem.title === 'string' ? problem.title : `The gateway answered ${status}`;
  const code = typeof problem.code === 'string' ? ` (${problem.code})` : '';
  const problems = Array.isArray(problem.problems) ? problem.problems.map(String) : [];
  const remedy =
    status === 401
      ? { remedy: 'check SALLYPORT_ADMIN_TOKEN, or the admin-token file of the data folder' }
      : {};
  const reason = status === 401 ? 'unauthorized' : status === 404 ? 'not-found' : undefined;
  return new Complaint(`${title}${code}`, { where: url, problems, reason, ...remedy });
}
