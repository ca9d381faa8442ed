import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { SecureContextOptions, TlsOptions } from 'node:tls';
import type { Endpoint } from '../config/config.ts';
import { GatewayError } from '../errors.ts';
import type { Logger } from '../lib/logger.ts';
import type { Secret } from '../lib/secret.ts';
import type { AdminApp } from './admin-app.ts';
import { buildApp } from './build-app.ts';
import { makeDoor } from './door.ts';
import type { GatewayView } from './view.ts';
import { writeRawProblem } from './write-problem.ts';

/** The certificate of the door; `SNICallback` may choose another one by name. */
export type AdminTls = SecureContextOptions & Pick<TlsOptions, 'SNICallback'>;

export interface AdminOptions {
  readonly view: GatewayView;
  readonly token: Secret;
  /** Names, beside loopback ones, under which callers may address the door. */
  readonly hosts: readonly string[];
  readonly logger: Logger;
}

/** The admin API with its own door. */
export interface Admin {
  /**
   * Listens: HTTPS on a TCP endpoint, plain HTTP with mode 0600 on a unix socket.
   * @param tls - needed for a TCP endpoint
   * @returns the base URL, with the port that was given when the endpoint asks for port 0
   */
  listen(endpoint: Endpoint, tls: AdminTls | undefined): Promise<string>;
  /** Serves another certificate from the next handshake on. */
  setTls(tls: SecureContextOptions): void;
  /** Stops listening, lets running requests end within two seconds, then cuts them. */
  close(): Promise<void>;
}

const CLOSE_BOUND_MS = 2000;
const LIMITS = {
  headersTimeout: 10_000,
  requestTimeout: 30_000,
  keepAliveTimeout: 15_000,
} satisfies ServerOptions;
const MAX_HEADER_BYTES = 16 * 1024;
const MAX_CONNECTIONS = 128;

/** Gives the admin API; nothing happens before `listen`. */
export function makeAdmin(options: AdminOptions): Admin {
  let running: { readonly server: Server; readonly app: AdminApp } | undefined;
  let tlsServer: TlsServer | undefined;
  return {
    async listen(endpoint, tls) {
      const app = await buildApp(options);
      const door = makeDoor(options, app.routing);
      if (endpoint.kind === 'unix') {
        running = { app, server: harden(createServer(serverOptions(), door)) };
        return listenUnix(running.server, endpoint.path);
      }
      tlsServer = makeTlsServer(tls, door);
      running = { app, server: harden(tlsServer) };
      return listenTcp(running.server, endpoint);
    },
    setTls(tls) {
      tlsServer?.setSecureContext({ minVersion: 'TLSv1.2', ...tls });
    },
    async close() {
      if (running === undefined) return;
      const { server, app } = running;
      running = undefined;
      await stop(server);
      await app.close();
    },
  };
}

function serverOptions(): ServerOptions {
  return { ...LIMITS, maxHeaderSize: MAX_HEADER_BYTES, connectionsCheckingInterval: 5000 };
}

function makeTlsServer(tls: AdminTls | undefined, door: RequestListener): TlsServer {
  if (tls === undefined) throw new TypeError('A TCP endpoint of the admin API needs a certificate');
  const options = { ...serverOptions(), handshakeTimeout: 10_000, minVersion: 'TLSv1.2' as const, ...tls };
  return createTlsServer({ ...options, ALPNProtocols: ['http/1.1'] }, door);
}

function harden<S extends Server>(server: S): S {
  server.maxConnections = MAX_CONNECTIONS;
  server.on('clientError', (error: Error, socket) => {
    if (!socket.writable) {
      socket.destroy();
      return;
    }
    const overflow = 'code' in error && error.code === 'HPE_HEADER_OVERFLOW';
    const code = overflow ? 'SP_LISTEN_HEADERS_TOO_LARGE' : 'SP_ADMIN_BAD_REQUEST';
    writeRawProblem(socket, new GatewayError(code), randomUUID());
  });
  return server;
}

async function listenTcp(server: Server, endpoint: Extract<Endpoint, { kind: 'tcp' }>): Promise<string> {
  server.listen({ host: endpoint.host, port: endpoint.port });
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : endpoint.port;
  const host = endpoint.host.includes(':') ? `[${endpoint.host}]` : endpoint.host;
  return `https://${host}:${port}`;
}

async function listenUnix(server: Server, path: string): Promise<string> {
  const left = await lstat(path).catch(() => undefined);
  if (left?.isSocket()) await unlink(path);
  server.listen({ path });
  await once(server, 'listening');
  await chmod(path, 0o600);
  return `unix:${path}`;
}

async function stop(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const cut = setTimeout(() => server.closeAllConnections(), CLOSE_BOUND_MS);
  await closed;
  clearTimeout(cut);
}
