import type { Admitted, Answered, HeaderList } from '../exchange.ts';
import type { ByteSource } from '../lib/byte-source.ts';
import { upstreamPath } from './upstream-path.ts';

/**
 * The built-in upstream `internal:whoami`: answers with the request as an upstream would have received it.
 *
 * @param fields - what would travel on to an upstream
 */
export async function answerWhoami(
  { arrived, identity, route }: Admitted,
  fields: HeaderList,
  body: ByteSource | null,
): Promise<Answered> {
  const { request } = arrived;
  const headers: [string, string][] = [];
  for (let i = 0; i < fields.length; i += 2) headers.push([fields[i] ?? '', fields[i + 1] ?? '']);
  const answer = {
    user: identity?.user ?? null,
    groups: identity?.groups ?? [],
    email: identity?.email ?? null,
    method: request.method,
    host: request.authority,
    path: upstreamPath({ arrived, route }),
    query: request.query,
    bodyBytes: body === null ? 0 : await countBytes(body),
    headers,
  };
  return {
    status: 200,
    headers: ['content-type', 'application/json', 'cache-control', 'no-store'],
    body: Buffer.from(`${JSON.stringify(answer, null, 2)}\n`),
  };
}

function countBytes(body: ByteSource): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    body.start({
      write(chunk) {
        bytes += chunk.length;
        return true;
      },
      end: () => resolve(bytes),
      fail: reject,
    });
  });
}
