import { GatewayError } from '../errors.ts';
import type { Arrived } from '../exchange.ts';
import type { ByteSource } from '../lib/byte-source.ts';

/** The body of a request to a page, read whole. */
export interface PageBody {
  readonly form: URLSearchParams;
  readonly json: unknown;
}

const NOTHING: PageBody = { form: new URLSearchParams(), json: undefined };

/**
 * Reads the body of a request to a page: a form or JSON, both UTF-8.
 *
 * @throws SP_LISTEN_BODY_TOO_LARGE, SP_SIGN_IN_BAD_FORM for any other kind of body, or what broke the body off
 */
export async function readPageBody({ request, body }: Arrived, maxBytes: number): Promise<PageBody> {
  if (body === null) return NOTHING;
  const type = typeOf(request.headers);
  if (type === undefined) {
    body.cancel();
    throw badForm('body-type');
  }
  const bytes = await readWhole(body, maxBytes);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return type === 'form'
      ? { form: new URLSearchParams(text), json: undefined }
      : { form: NOTHING.form, json: JSON.parse(text) };
  } catch (cause) {
    throw badForm('body-malformed', cause);
  }
}

/**
 * Reads a body into memory.
 *
 * @throws SP_LISTEN_BODY_TOO_LARGE beyond `maxBytes`, or what broke the body off
 */
export function readWhole(body: ByteSource, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    body.start({
      write(chunk) {
        length += chunk.length;
        if (length <= maxBytes) {
          chunks.push(chunk);
          return true;
        }
        body.cancel();
        reject(new GatewayError('SP_LISTEN_BODY_TOO_LARGE', { reason: 'body-too-large' }));
        return false;
      },
      end: () => resolve(Buffer.concat(chunks)),
      fail: reject,
    });
  });
}

function typeOf(headers: readonly string[]): 'form' | 'json' | undefined {
  let type = '';
  for (let i = 0; i < headers.length; i += 2) {
    if (headers[i] === 'content-encoding') return undefined;
    if (headers[i] === 'content-type')
      type = (headers[i + 1] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? '';
  }
  if (type === 'application/x-www-form-urlencoded') return 'form';
  return type === 'application/json' ? 'json' : undefined;
}

function badForm(reason: string, cause?: unknown): GatewayError {
  return new GatewayError('SP_SIGN_IN_BAD_FORM', { reason, cause });
}
