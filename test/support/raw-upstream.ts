import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';

export interface RawUpstream {
  readonly url: string;
  /** Connections accepted since the start. */
  readonly connections: number;
  close(): Promise<void>;
}

/**
 * Starts an upstream that answers with whatever bytes the test writes.
 *
 * @param onRequest - called for every bodiless request with its head; `turn` counts the requests of its connection from 0
 */
export async function startRawUpstream(
  onRequest: (head: string, socket: Socket, turn: number) => void,
): Promise<RawUpstream> {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    let bytes = '';
    let turn = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.toString('latin1');
      for (let end = bytes.indexOf('\r\n\r\n'); end !== -1; end = bytes.indexOf('\r\n\r\n')) {
        const head = bytes.slice(0, end);
        bytes = bytes.slice(end + 4);
        onRequest(head, socket, turn++);
      }
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    get connections() {
      return connections;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
