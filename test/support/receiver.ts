import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createServer as createPlain } from 'node:http';
import { createServer } from 'node:https';
import type { TestContext } from 'node:test';
import { authority, leaf } from '../fixtures/certificates/pki.ts';

/** What a receiver was sent. */
export interface Received {
  readonly url: string | undefined;
  readonly method: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A receiver of notices on a port of this machine. */
export interface Receiver {
  /** Everything so far, also what was refused. */
  readonly received: Received[];
  readonly port: number;
  /** `https://localhost:PORT`, without path. */
  readonly origin: string;
  /** PEM of the authority that vouches for it. */
  readonly ca: string;
  /** How it answers from now on; default 204 without body. */
  answer: (res: ServerResponse, asked: IncomingMessage) => void;
  /** The bodies so far, parsed. */
  bodies(): readonly Record<string, unknown>[];
  /** Ends it; asking it is refused from then on. */
  close(): Promise<void>;
  /** Begins again on the same port. */
  reopen(): Promise<void>;
}

/** Starts a receiver whose certificate a private authority signed; the test's end clears it away. */
export async function startReceiver(t: TestContext, kind: 'https' | 'http' = 'https'): Promise<Receiver> {
  const root = authority('Authority of the receiver');
  const pair = leaf(root, ['localhost']);
  const received: Received[] = [];
  const take = (asked: IncomingMessage, res: ServerResponse): void => {
    let body = '';
    asked.setEncoding('utf8').on('data', (part: string) => {
      body += part;
    });
    asked.on('end', () => {
      received.push({ url: asked.url, method: asked.method, headers: asked.headers, body });
      receiver.answer(res, asked);
    });
  };
  const server =
    kind === 'http' ? createPlain(take) : createServer({ key: pair.keyPem, cert: pair.certificate }, take);
  const listen = (port: number) => new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  await listen(0);
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const receiver: Receiver = {
    received,
    port: address.port,
    origin: `${kind}://localhost:${address.port}`,
    ca: root.certificate,
    answer: (res) => void res.writeHead(204).end(),
    bodies: () => received.map(({ body }) => JSON.parse(body)),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    reopen: () => listen(address.port),
  };
  t.after(() => receiver.close());
  return receiver;
}
