import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';

export interface NodeUpstream {
  readonly url: string;
  readonly port: number;
  readonly server: Server;
  /** Requests that came so far, oldest first. */
  readonly seen: IncomingMessage[];
  /** Connections that are open now. */
  readonly open: ReadonlySet<Socket>;
  close(): Promise<void>;
}

/** Starts a plain node upstream; `listener` may be an Express application. */
export async function startNodeUpstream(listener: RequestListener, port = 0): Promise<NodeUpstream> {
  const seen: IncomingMessage[] = [];
  const open = new Set<Socket>();
  const server = createServer((req, res) => {
    seen.push(req);
    listener(req, res);
  });
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const given = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${given}`,
    port: given,
    server,
    seen,
    open,
    async close() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
