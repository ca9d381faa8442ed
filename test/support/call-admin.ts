import { request } from 'node:https';

interface Door {
  readonly admin: string;
  readonly adminToken: string;
  readonly ca: string;
}

/** Calls the admin API over real TLS; JSON in, JSON out (`undefined` for an empty answer). */
export function callAdmin(
  { admin, adminToken, ca }: Door,
  method: string,
  path: string,
  body?: unknown,
): Promise<{ status: number; body: unknown }> {
  const payload = body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const call = request(
      new URL(path, admin),
      {
        method,
        ca,
        agent: false,
        headers: {
          authorization: `Bearer ${adminToken}`,
          ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
        },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const text = Buffer.concat(chunks).toString();
          const json = answer.headers['content-type']?.includes('json') === true;
          resolve({ status: answer.statusCode ?? 0, body: json ? JSON.parse(text) : text || undefined });
        });
      },
    );
    call.on('error', reject);
    call.end(payload);
  });
}
