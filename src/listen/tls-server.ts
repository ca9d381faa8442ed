import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ClientDemand } from '../certificates/client-demands.ts';
import type { RefusedCertificate } from '../exchange.ts';
import type { Arrivals } from './arrive.ts';
import { ACME_PROTOCOL } from './challenge-answers.ts';
import type { ClientHello } from './client-hello.ts';
import { connectionLimit } from './connection-limit.ts';
import type { HandshakeContext } from './describe-socket.ts';
import { DescribedConnections } from './described-connections.ts';
import { GuardedServers } from './guarded-servers.ts';
import { IdleConnections } from './idle-connections.ts';
import { namelessContext } from './nameless-context.ts';
import { overhear } from './overhear.ts';
import { RefusedClients } from './refused-clients.ts';
import { sessionWatch } from './session-watch.ts';
import { handshakeBound, type TlsServerOptionsParts, tlsServerOptions } from './tls-server-options.ts';

export interface TlsServerParts extends TlsServerOptionsParts {
  readonly arrivals: Arrivals;
  /** Learns of clients whose certificate is not believed; absent: nobody wants to know. */
  readonly onRefusedClient?: (refused: RefusedCertificate) => void;
  readonly onHandshake: (outcome: 'done' | 'failed' | 'refused', protocol: string) => void;
}

export type TlsServer = Http2SecureServer & {
  closeIdleConnections(): void;
  /** Takes a connection as if it had been accepted, but without counting it. */
  take(connection: Socket): void;
};

/** Flag of a HEADERS frame after which nothing follows (RFC 9113 §6.2). */
const END_STREAM = 0x1;

/**
 * Makes the server for one TLS endpoint: HTTP/2 and HTTP/1.1 on one port, certificates by SNI.
 *
 * Security: nothing in here throws into the handshake; a name that is malformed or unknown gets the default
 * certificate or, without one, a handshake failure. Minimum versions are checked again after the handshake, because
 * OpenSSL keeps those of the endpoint when the name selects another context.
 */
export function makeTlsServer(parts: TlsServerParts): TlsServer {
  const { limits, certificates } = parts;
  const admits = connectionLimit(limits.connectionsPerAddress);
  const refused = new RefusedClients(parts.onRefusedClient ?? (() => {}));
  const shared = { idle: new IdleConnections(), watchSession: sessionWatch(limits), refused };
  const server = makeHttpServer(parts, undefined, shared);
  const guarded = new GuardedServers<ClientDemand>(
    (demand) => makeHttpServer(parts, demand, shared),
    (id) => certificates.isDemanded(id),
  );
  const begin = server.listeners('connection');
  server.removeAllListeners('connection');
  const shakeHands = (socket: Socket, hello: ClientHello | undefined): void => {
    // Who proves a name to an ACME server has no certificate yet (RFC 8737 §3), and gets nothing but that proof.
    const challenged = hello?.protocols.length === 1 && hello.protocols[0] === ACME_PROTOCOL;
    const demand = challenged ? undefined : certificates.demandOf(hello?.serverName);
    if (demand === undefined) for (const listener of begin) listener.call(server, socket);
    else guarded.of(demand).emit('connection', socket);
  };
  const take = (socket: Socket): void => {
    shared.idle.handshake(socket);
    if (certificates.demandsAny()) {
      overhear(socket, handshakeBound(limits), (hello) => shakeHands(socket, hello));
    } else {
      shakeHands(socket, undefined);
    }
  };
  server.on('connection', (socket: Socket) => {
    socket.on('error', () => {});
    if (admits(socket)) {
      take(socket);
      return;
    }
    parts.onHandshake('refused', 'none');
    socket.destroy();
  });
  return Object.assign(server, {
    take,
    closeIdleConnections: () => {
      guarded.close();
      shared.idle.close();
    },
  });
}

/** What the servers of one endpoint share. */
interface Shared {
  readonly idle: IdleConnections;
  /** Closes a session that is idle for too long. */
  readonly watchSession: (session: ServerHttp2Session) => void;
  readonly refused: RefusedClients;
}

/** Makes a server that speaks HTTP under one demand on its clients; connections are handed to it. */
function makeHttpServer(
  parts: TlsServerParts,
  demand: ClientDemand | undefined,
  { idle, watchSession, refused }: Shared,
): Http2SecureServer {
  const { arrivals, certificates } = parts;
  const options = tlsServerOptions(parts, refused, demand);
  const context = { certificates, demand, refused };
  const server = createSecureServer(options);
  server.prependListener('connection', namelessContext(server, options, certificates));
  const connections = new DescribedConnections(context);
  onFailedHandshakes(server, parts, context);
  onHandshakes(server, parts, idle, connections);
  onSessions(server, connections, watchSession);
  takeHttp1(server, arrivals, idle, connections);
  takeHttp2(server, arrivals, connections);
  server.on('sessionError', () => {});
  server.on('error', () => {});
  return server;
}

/** Tells of handshakes that failed, and what they say of the certificate of either side. */
function onFailedHandshakes(
  server: Http2SecureServer,
  { handshakeWatch, onHandshake }: TlsServerParts,
  { certificates, demand, refused }: HandshakeContext,
): void {
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    handshakeWatch?.failed(socket, error, certificates.nameless()?.name);
    if (demand !== undefined) refused.failed(socket, error, demand);
    onHandshake('failed', 'none');
    socket.destroy();
  });
}

/** Tells of handshakes that are done, and drops HTTP/1.1 connections that may not go on after theirs. */
function onHandshakes(
  server: Http2SecureServer,
  { handshakeWatch, onHandshake, certificates }: TlsServerParts,
  idle: IdleConnections,
  connections: DescribedConnections,
): void {
  server.on('secureConnection', (socket: TLSSocket) => {
    handshakeWatch?.done(socket, certificates.nameless()?.name);
    onHandshake('done', socket.getProtocol() ?? 'none');
    socket.setNoDelay(true);
    idle.shaken(socket);
    if (socket.alpnProtocol === 'h2' || socket.alpnProtocol === ACME_PROTOCOL) return;
    idle.add(socket);
    connections.http1(socket);
  });
}

/** Drops HTTP/2 sessions that may not go on after their handshake, and has the others watched. */
function onSessions(
  server: Http2SecureServer,
  connections: DescribedConnections,
  watchSession: (session: ServerHttp2Session) => void,
): void {
  server.on('session', (session: ServerHttp2Session) => {
    // Node makes a session of whatever is not HTTP/1.1. The challenge was over with the handshake (RFC 8737 §4).
    if (session.alpnProtocol === ACME_PROTOCOL) session.destroy();
    else if (connections.begin(session) !== undefined) watchSession(session);
  });
}

/** Passes requests of HTTP/1.1 on; those of a connection that may not go on are dropped. */
function takeHttp1(
  server: Http2SecureServer,
  arrivals: Arrivals,
  idle: IdleConnections,
  connections: DescribedConnections,
): void {
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    idle.begin(req.socket, res);
    const connection = connections.http1(req.socket as TLSSocket);
    if (connection !== undefined) arrivals.http1(req, res, connection);
  };
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    idle.handOver(socket);
    const connection = connections.http1(req.socket as TLSSocket);
    if (connection !== undefined) arrivals.upgrade(req, socket, head, connection);
  });
  // Node drops fields beyond its own number silently; ours is checked and answered.
  Object.assign(server, { maxHeadersCount: 0 });
}

/** Passes streams of HTTP/2 on; called after `takeHttp1`, whose listeners it has to undo. */
function takeHttp2(server: Http2SecureServer, arrivals: Arrivals, connections: DescribedConnections): void {
  // A `request` listener makes node build compatibility objects for HTTP/2 as well; streams are taken as they are.
  server.removeAllListeners('stream');
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => {
      const { session } = stream;
      const connection = session === undefined ? undefined : connections.http2(session);
      if (connection === undefined) {
        stream.destroy();
        return;
      }
      const ended = (flags & END_STREAM) !== 0;
      arrivals.http2(stream, { headers, rawHeaders, ended }, connection);
    },
  );
}
