import type { IncomingMessage } from 'node:http';
import type { CustomFetch, CustomFetchOptions } from 'openid-client';
import { sendRequest } from '../../lib/send-request.ts';
import { providerFailure } from './provider-failure.ts';

export interface ProviderFetchOptions {
  /** Name of the provider, for failures. */
  readonly provider: string;
  /** PEM certificates that replace the system's authorities; `undefined`: the system's. */
  readonly ca: string | undefined;
  /** From the look-up of the name to the last byte, milliseconds. */
  readonly timeoutMs: number;
}

/** Far more than any metadata, key set or token answer; less than what hurts. */
const MAX_BYTES = 512 * 1024;
const LOOPBACK = /^((?:.+\.)?localhost|127\.\d{1,3}\.\d{1,3}\.\d{1,3}|\[::1\])$/;

/**
 * Gives the `fetch` with which a provider is asked: own authorities, bounded in time and size, no redirects, no cookies.
 *
 * It fails with SP_SIGN_IN_PROVIDER: `provider-slow`, `provider-certificate`, `provider-unreachable`, `provider-garbage`.
 * Security: http is spoken with this machine only; failures tell neither URL nor content.
 */
export function makeProviderFetch(options: ProviderFetchOptions): CustomFetch {
  const { provider, timeoutMs } = options;
  return async (url, init) => {
    const target = new URL(url);
    if (target.protocol !== 'https:' && !(target.protocol === 'http:' && LOOPBACK.test(target.hostname))) {
      throw providerFailure(provider, 'provider-garbage', 'it names an endpoint that is not https');
    }
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const message = await send(target, init, options.ca, timeout);
      const body = await readAll(message, provider);
      return responseOf(message, body);
    } catch (error) {
      if (timeout.aborted) {
        throw providerFailure(provider, 'provider-slow', `no answer within ${timeoutMs} ms`);
      }
      throw networkFailure(error, provider);
    }
  };
}

function send(
  url: URL,
  { method, headers, body }: CustomFetchOptions,
  ca: string | undefined,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const payload = typeof body === 'string' || body instanceof URLSearchParams ? body.toString() : undefined;
  // A connection of its own: a code is redeemed once, and one that was kept alive may be dead already.
  const options = {
    method,
    agent: false,
    signal,
    headers: {
      ...headers,
      'accept-encoding': 'identity',
      ...(payload === undefined ? {} : { 'content-length': Buffer.byteLength(payload) }),
    },
    ...(ca === undefined ? {} : { ca }),
  };
  return sendRequest(url, options, payload);
}

async function readAll(message: IncomingMessage, provider: string): Promise<Buffer> {
  try {
    const chunks: Buffer[] = [];
    let bytes = 0;
    for await (const chunk of message) {
      bytes += chunk.length;
      if (bytes > MAX_BYTES) throw providerFailure(provider, 'provider-garbage', 'its answer is too long');
      chunks.push(chunk);
    }
    if (!message.complete) throw providerFailure(provider, 'provider-unreachable', 'its answer ended early');
    return Buffer.concat(chunks);
  } finally {
    message.destroy();
  }
}

function responseOf(message: IncomingMessage, body: Buffer): Response {
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (const name of ['content-type', 'www-authenticate', 'retry-after', 'dpop-nonce']) {
    const value = message.headers[name];
    if (typeof value === 'string') headers.set(name, value);
  }
  const hasBody = status !== 204 && status !== 205 && status !== 304;
  return new Response(hasBody ? Uint8Array.from(body) : null, { status, headers });
}

function networkFailure(error: unknown, provider: string): unknown {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return error;
  if (!/^[A-Z][A-Z0-9_]*$/.test(error.code) || error.code.startsWith('SP_')) return error;
  const isTls = /CERT|SELF_SIGNED|UNABLE_TO|ALTNAME|SSL|TLS/.test(error.code);
  return isTls
    ? providerFailure(provider, 'provider-certificate', `its certificate is not trusted: ${error.code}`)
    : providerFailure(provider, 'provider-unreachable', error.code);
}
