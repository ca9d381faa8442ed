import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { Agent, type RequestOptions } from 'node:https';
import { sendRequest } from '../../lib/send-request.ts';
import { AcmeError } from './acme-error.ts';

/** A whole answer of an ACME server. */
export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'POST';
  readonly url: string;
  /** Sent as `application/jose+json`. */
  readonly body?: string;
  readonly accept?: string;
}

const MAX_BYTES = 1024 * 1024;
const TIMEOUT_MS = 30_000;

/**
 * HTTPS to one ACME server, with bounds on time and size. Redirects are not followed.
 *
 * Security: https only, verified against the system's authorities or, when given, only against `trust`.
 */
export class Wire {
  readonly #agent: Agent;
  readonly #signal: AbortSignal;

  /** @param signal - gives up what is under way @param trust - PEM of the authorities of a private CA's server */
  constructor(signal: AbortSignal, trust?: string) {
    this.#signal = signal;
    this.#agent = new Agent({
      keepAlive: true,
      maxSockets: 4,
      minVersion: 'TLSv1.2',
      ...(trust === undefined ? {} : { ca: trust }),
    });
  }

  /** @throws AcmeError `unreachable`, `malformed` for an address that is not https or an answer past 1 MiB */
  async ask({ method, url, body, accept }: Ask): Promise<Reply> {
    const target = URL.canParse(url) ? new URL(url) : undefined;
    if (target?.protocol !== 'https:' || target.username !== '') {
      throw new AcmeError({ reason: 'malformed', detail: 'an address of the CA is not https' });
    }
    const options: RequestOptions = {
      method,
      agent: this.#agent,
      signal: AbortSignal.any([this.#signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: {
        'user-agent': 'sallyport',
        'accept-language': 'en',
        ...(accept === undefined ? {} : { accept }),
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/jose+json', 'content-length': Buffer.byteLength(body) }),
      },
    };
    try {
      return await read(await sendRequest(target, options, body));
    } catch (error) {
      if (error instanceof AcmeError) throw error;
      this.#signal.throwIfAborted();
      const why = error instanceof Error && 'code' in error ? String(error.code) : 'no answer in time';
      throw new AcmeError({
        reason: 'unreachable',
        detail: `${target.host} cannot be reached: ${why}`,
        cause: error,
      });
    }
  }

  close(): void {
    this.#agent.destroy();
  }
}

async function read(answer: IncomingMessage): Promise<Reply> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BYTES) {
      answer.destroy();
      throw new AcmeError({ reason: 'malformed', detail: 'an answer of the CA is larger than 1 MiB' });
    }
    chunks.push(chunk);
  }
  return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
}
