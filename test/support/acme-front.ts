import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { authority, leaf } from '../fixtures/certificates/pki.ts';

/** What the front does with a request itself; true when it answered. */
export type Intercept = (req: IncomingMessage, res: ServerResponse, body: Buffer) => boolean;

/** An answer of the server behind. */
export interface PassedAnswer {
  readonly path: string;
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface AcmeFront {
  readonly directory: string;
  /** PEM of the CA of its endpoint. */
  readonly ca: string;
  /** Adds what the ACME server behind does not have; changes with time. */
  intercept: Intercept;
  /** Gives the fields with which an answer is passed on; changes with time. */
  alter: (answer: PassedAnswer) => IncomingHttpHeaders;
  close(): void;
}

/**
 * Starts an HTTPS endpoint before an ACME server that passes everything on with its host, which the server takes for its own,
 * and tells clients of renewal hints at `/renewal-info/`.
 *
 * @param upstream - `undefined`: everything is up to `intercept`
 */
export async function startAcmeFront(
  upstream: { readonly directory: string; readonly ca: string } | undefined,
): Promise<AcmeFront> {
  const now = Date.now();
  const valid = { notBeforeMs: now - 86_400_000, notAfterMs: now + 86_400_000 };
  const ca = authority('CA of a front', valid);
  const own = leaf(ca, ['127.0.0.1'], valid);
  const server = createServer({ cert: own.certificate, key: own.keyPem }, (req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks);
      if (front.intercept(req, res, body)) return;
      if (upstream === undefined) res.writeHead(404).end();
      else pass(req, res, body, { ...upstream, alter: front.alter });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const front: AcmeFront = {
    directory: `https://127.0.0.1:${port}/dir`,
    ca: ca.certificate,
    intercept: () => false,
    alter: ({ headers }) => headers,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return front;
}

function pass(
  req: IncomingMessage,
  res: ServerResponse,
  body: Buffer,
  { directory, ca, alter }: { readonly directory: string; readonly ca: string } & Pick<AcmeFront, 'alter'>,
): void {
  const target = new URL(req.url ?? '/', directory);
  const { connection: _connection, ...headers } = req.headers;
  const asking = request(target, { method: req.method, headers, ca, agent: false }, (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (chunk: Buffer) => chunks.push(chunk));
    answer.on('end', () => {
      const text = Buffer.concat(chunks).toString();
      const { statusCode: status = 502, headers: answered } = answer;
      const headers = alter({ path: target.pathname, status, headers: answered, text });
      const { 'content-length': _length, connection: _answered, ...fields } = headers;
      const renewalInfo = `https://${req.headers.host}/renewal-info`;
      const isDirectory = req.url === '/dir';
      res.writeHead(status, fields);
      res.end(isDirectory ? JSON.stringify({ ...JSON.parse(text), renewalInfo }) : text);
    });
  });
  asking.on('error', () => res.destroy());
  asking.end(body);
}

/** Gives the payload of a signed message. */
export function payloadOf(body: Buffer): Record<string, unknown> {
  const { payload } = JSON.parse(body.toString()) as { payload: string };
  return payload === '' ? {} : JSON.parse(Buffer.from(payload, 'base64url').toString());
}
