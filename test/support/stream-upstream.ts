import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { WebSocketServer } from 'ws';

/** An upstream that never stops by itself. */
export interface StreamUpstream {
  readonly url: string;
  /** How many of its streams are open at the moment. */
  open(): number;
  close(): Promise<void>;
}

/**
 * Starts an upstream whose `/events` is a stream of events, whose WebSockets echo and tick with a number, and whose
 * every other path is a download without an end; `/slow-N` begins one after N milliseconds, `/wait-N` says `at last` then.
 *
 * @param tickMs - pause between two messages, events or chunks
 */
export async function startStreamUpstream(tickMs = 20): Promise<StreamUpstream> {
  let open = 0;
  const timers = new Set<NodeJS.Timeout>();
  const tick = (send: () => void, over: (stop: () => void) => void): void => {
    open++;
    const timer = setInterval(send, tickMs);
    timers.add(timer);
    over(() => {
      if (timers.delete(timer)) open--;
      clearInterval(timer);
    });
  };
  const server = createServer((req, res: ServerResponse) => {
    const wait = /^\/wait-(\d+)$/.exec(req.url ?? '');
    if (wait !== null) {
      setTimeout(() => res.end('at last'), Number(wait[1]));
      return;
    }
    const slow = /^\/slow-(\d+)$/.exec(req.url ?? '');
    setTimeout(() => flow(req, res), Number(slow?.[1] ?? 0));
  });
  const flow = (req: IncomingMessage, res: ServerResponse): void => {
    const events = req.url === '/events';
    res.writeHead(200, { 'content-type': events ? 'text/event-stream' : 'application/octet-stream' });
    const chunk = events ? 'data: tick\n\n' : 'x'.repeat(1000);
    res.write(chunk);
    tick(
      () => res.write(chunk),
      (stop) => res.on('close', stop),
    );
  };
  const sockets = new WebSocketServer({ server });
  sockets.on('connection', (socket) => {
    let count = 0;
    socket.on('message', (message, isBinary) => socket.send(message, { binary: isBinary }));
    tick(
      () => socket.send(String(count++)),
      (stop) => socket.on('close', stop),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  return {
    url: `http://127.0.0.1:${port}`,
    open: () => open,
    async close() {
      for (const timer of timers) clearInterval(timer);
      for (const socket of sockets.clients) socket.terminate();
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
