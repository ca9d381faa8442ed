import { once } from 'node:events';
import { chmod, lstat, unlink } from 'node:fs/promises';
import type { Server, Socket } from 'node:net';
import type { Endpoint } from '../config/config.ts';

/** An open endpoint. */
export interface Door {
  /** Base URL, with the port that was given when the endpoint asks for port 0. */
  readonly url: string;
  readonly port: number | undefined;
  /**
   * Accepts nothing any more, lets what is running end, and cuts it after the bound.
   * @returns how many connections had to be cut
   */
  close(boundMs: number): Promise<number>;
}

interface IdleClosing {
  closeIdleConnections?(): void;
}

const SWEEP_MS = 100;

/**
 * Opens an endpoint for a server.
 *
 * @throws Error with code EADDRINUSE, EACCES, ... when the endpoint cannot be had
 */
export async function openDoor(
  server: Server & IdleClosing,
  endpoint: Endpoint,
  scheme: 'https' | 'http',
): Promise<Door> {
  const open = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  if (endpoint.kind === 'unix') {
    const left = await lstat(endpoint.path).catch(() => undefined);
    if (left?.isSocket() === true) await unlink(endpoint.path);
    server.listen({ path: endpoint.path });
  } else {
    server.listen({ host: endpoint.host, port: endpoint.port });
  }
  await once(server, 'listening');
  if (endpoint.kind === 'unix') await chmod(endpoint.path, 0o600);
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : undefined;
  return {
    url: urlOf(endpoint, scheme, port),
    port,
    close: (boundMs) => closeServer(server, open, boundMs),
  };
}

function urlOf(endpoint: Endpoint, scheme: string, port: number | undefined): string {
  if (endpoint.kind === 'unix') return `unix:${endpoint.path}`;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `${scheme}://${host}:${port ?? endpoint.port}`;
}

async function closeServer(
  server: Server & IdleClosing,
  open: Set<Socket>,
  boundMs: number,
): Promise<number> {
  let over = false;
  const closed = new Promise<void>((resolve) => server.close(() => resolve())).then(() => {
    over = true;
  });
  const startedAt = performance.now();
  while (!over && performance.now() - startedAt < boundMs) {
    server.closeIdleConnections?.();
    await Promise.race([closed, new Promise((resolve) => setTimeout(resolve, SWEEP_MS))]);
  }
  const cut = over ? 0 : open.size;
  for (const socket of open) socket.destroy();
  await closed;
  return cut;
}
