import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { RequestOptions } from 'node:https';
import type { WebhookConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { sendRequest } from '../lib/send-request.ts';
import { signNotice } from './webhook-signature.ts';

/** How a receiver of notices is posted to. */
export interface WebhookOptions {
  /** Dates the signatures. */
  readonly clock: Clock;
  /** Milliseconds from the look-up of the name to the head of the answer; default 10,000. */
  readonly timeoutMs?: number;
}

/** The receiver of notices. */
export interface Webhook {
  /** Host and port, for logs: nothing else of the URL is ever told. */
  readonly host: string;
  /** Tells the URL from another one without telling it. */
  readonly id: string;
  /**
   * Posts one JSON text. Any 2xx counts, no other answer does, and no body of an answer is read.
   *
   * @param signal - gives up; the promise then rejects with its reason
   * @returns why it was not taken, in a word or two for the log; `undefined` when it was
   */
  post(body: string, signal: AbortSignal): Promise<string | undefined>;
}

const TIMEOUT_MS = 10_000;

/**
 * Gives the receiver that a configuration names.
 *
 * Security: redirects are not followed, TLS is always verified, against the system's authorities or only against `trust`;
 * what comes back holds no part of the URL's path, of the secret or of an answer.
 */
export function makeWebhook(config: WebhookConfig, options: WebhookOptions): Webhook {
  const url = new URL(config.url.reveal());
  const { timeoutMs = TIMEOUT_MS } = options;
  return {
    host: url.host,
    id: createHash('sha256').update(url.href).digest('hex').slice(0, 16),
    async post(body, signal) {
      const trust = await readTrust(config);
      if (trust === undefined) return 'the file of trusted authorities cannot be read';
      const timeout = AbortSignal.timeout(timeoutMs);
      const bounds = AbortSignal.any([signal, timeout]);
      const headers = headersOf(body, config, options.clock());
      try {
        const status = await send(url, body, { headers, signal: bounds, ...trust });
        return status >= 200 && status < 300 ? undefined : `status ${status}`;
      } catch (error) {
        signal.throwIfAborted();
        return timeout.aborted ? 'no answer in time' : reasonOf(error);
      }
    },
  };
}

/** @returns the status of the answer, whose body is not read */
async function send(url: URL, body: string, options: RequestOptions): Promise<number> {
  const answer = await sendRequest(
    url,
    {
      method: 'POST',
      // A connection of its own: days pass between two notices.
      agent: false,
      minVersion: 'TLSv1.2',
      rejectUnauthorized: true,
      ...options,
    },
    body,
  );
  answer.destroy();
  return answer.statusCode ?? 0;
}

function headersOf(body: string, { secret }: WebhookConfig, nowMs: number): Record<string, string | number> {
  return {
    'user-agent': 'sallyport',
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    ...(secret === undefined ? {} : { 'x-sallyport-signature': signNotice(secret, body, nowMs) }),
  };
}

/** Reads the file anew for each notice: it may be replaced at any time. @returns `undefined` when it cannot be read */
async function readTrust({ trust }: WebhookConfig): Promise<{ readonly ca?: string } | undefined> {
  if (trust === undefined) return {};
  return await readFile(trust, 'utf8').then(
    (ca) => ({ ca }),
    () => undefined,
  );
}

/** Security: the text of an error may hold names and paths, its code is a word. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : 'no answer';
}
