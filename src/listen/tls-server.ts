import { constants } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  createSecureServer,
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type SecureServerOptions,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { SecureContext, SecureContextOptions, TLSSocket } from 'node:tls';
import type { LimitsConfig } from '../config/config.ts';
import type { RefusedCertificate } from '../exchange.ts';
import { answerServerName, type SniAnswer } from './answer-server-name.ts';
import type { Arrivals } from './arrive.ts';
import type { CertificatePicker, ClientDemand } from './certificate-picker.ts';
import { ACME_PROTOCOL, type Challenges, ProtocolChoice } from './challenge-answers.ts';
import type { ClientHello } from './client-hello.ts';
import type { Connection } from './connection.ts';
import { connectionLimit } from './connection-limit.ts';
import { describeSocket } from './describe-socket.ts';
import { GuardedServers } from './guarded-servers.ts';
import type { HandshakeWatch } from './handshake-watch.ts';
import { IdleConnections } from './idle-connections.ts';
import { namelessContext } from './nameless-context.ts';
import { overhear } from './overhear.ts';
import { RefusedClients } from './refused-clients.ts';
import { sessionWatch } from './session-watch.ts';

export interface TlsServerParts {
  readonly certificates: CertificatePicker;
  readonly tlsOptions: SecureContextOptions;
  readonly limits: LimitsConfig;
  readonly arrivals: Arrivals;
  /** Answers of ACME challenges. */
  readonly challenges: Challenges;
  /** Learns which certificates clients take; absent: nobody wants to know. */
  readonly watch?: HandshakeWatch;
  /** Learns of clients whose certificate is not believed; absent: nobody wants to know. */
  readonly onRefusedClient?: (refused: RefusedCertificate) => void;
  readonly onHandshake: (outcome: 'done' | 'failed' | 'refused', protocol: string) => void;
}

export type TlsServer = Http2SecureServer & {
  closeIdleConnections(): void;
  /** Takes a connection as if it had been accepted, but without counting it. */
  take(connection: Socket): void;
};

/** CPU that a flood of garbage may cost before the connection is closed: frames and streams (RFC 9113 §10.5). */
const MAX_INVALID_FRAMES = 100;
const MAX_REJECTED_STREAMS = 100;

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
  const shared = { idle: new IdleConnections(), watch: sessionWatch(limits), refused };
  const server = makeOne(parts, undefined, shared);
  const guarded = new GuardedServers<ClientDemand>(
    (demand) => makeOne(parts, demand, shared),
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
  readonly watch: (session: ServerHttp2Session) => void;
  readonly refused: RefusedClients;
}

/** Makes a server that speaks HTTP under one demand on its clients; connections are handed to it. */
function makeOne(parts: TlsServerParts, demand: ClientDemand | undefined, shared: Shared): Http2SecureServer {
  const { arrivals, certificates } = parts;
  const { idle, watch, refused } = shared;
  const options =
    demand === undefined ? serverOptions(parts, refused) : guardedOptions(parts, refused, demand);
  const terms = { certificates, demand, refused };
  const server = createSecureServer(options);
  server.prependListener('connection', namelessContext(server, options, certificates));
  const connections = new WeakMap<object, Connection>();
  server.on('tlsClientError', (error: Error, socket: TLSSocket) => {
    parts.watch?.failed(socket, error, certificates.nameless()?.name);
    if (demand !== undefined) refused.failed(socket, error, demand);
    parts.onHandshake('failed', 'none');
    socket.destroy();
  });
  const describeHttp1 = (socket: TLSSocket): Connection | undefined => {
    const known = connections.get(socket);
    if (known !== undefined) return known;
    const described = describeSocket(socket, '1.1', terms);
    if (described === undefined) {
      socket.destroy();
      return undefined;
    }
    connections.set(socket, described);
    return described;
  };
  server.on('secureConnection', (socket: TLSSocket) => {
    parts.watch?.done(socket, certificates.nameless()?.name);
    parts.onHandshake('done', socket.getProtocol() ?? 'none');
    socket.setNoDelay(true);
    idle.shaken(socket);
    if (socket.alpnProtocol === 'h2' || socket.alpnProtocol === ACME_PROTOCOL) return;
    idle.add(socket);
    describeHttp1(socket);
  });
  server.on('session', (session: ServerHttp2Session) => {
    // Node makes a session of whatever is not HTTP/1.1. The challenge was over with the handshake (RFC 8737 §4).
    if (session.alpnProtocol === ACME_PROTOCOL) {
      session.destroy();
      return;
    }
    const described = describeSocket(session.socket as TLSSocket, '2', terms);
    if (described === undefined) {
      session.destroy();
      return;
    }
    connections.set(session, described);
    watch(session);
  });

  takeHttp1(server, arrivals, idle, describeHttp1);
  takeHttp2(server, arrivals, (session) => connections.get(session));
  server.on('sessionError', () => {});
  server.on('error', () => {});
  return server;
}

/** Passes requests of HTTP/1.1 on; those of a connection that may not go on are dropped. */
function takeHttp1(
  server: Http2SecureServer,
  arrivals: Arrivals,
  idle: IdleConnections,
  describe: (socket: TLSSocket) => Connection | undefined,
): void {
  const onRequest = (req: IncomingMessage, res: ServerResponse): void => {
    idle.begin(req.socket, res);
    const connection = describe(req.socket as TLSSocket);
    if (connection !== undefined) arrivals.http1(req, res, connection);
  };
  server.on('request', onRequest);
  server.on('checkContinue', onRequest);
  server.on('upgrade', (req: IncomingMessage, socket: Socket, head: Buffer) => {
    idle.handOver(socket);
    const connection = describe(req.socket as TLSSocket);
    if (connection !== undefined) arrivals.upgrade(req, socket, head, connection);
  });
  // Node drops fields beyond its own number silently; ours is checked and answered.
  Object.assign(server, { maxHeadersCount: 0 });
}

/** Passes streams of HTTP/2 on; called after `takeHttp1`, whose listeners it has to undo. */
function takeHttp2(
  server: Http2SecureServer,
  arrivals: Arrivals,
  connectionOf: (session: object) => Connection | undefined,
): void {
  // A `request` listener makes node build compatibility objects for HTTP/2 as well; streams are taken as they are.
  server.removeAllListeners('stream');
  server.on(
    'stream',
    (stream: ServerHttp2Stream, headers: IncomingHttpHeaders, flags: number, rawHeaders: string[]) => {
      const { session } = stream;
      const connection = session === undefined ? undefined : connectionOf(session);
      if (connection === undefined) {
        stream.destroy();
        return;
      }
      const ended = (flags & END_STREAM) !== 0;
      arrivals.http2(stream, { headers, rawHeaders, ended }, connection);
    },
  );
}

const END_STREAM = 0x1;

function serverOptions(
  parts: TlsServerParts,
  refused: RefusedClients,
  demand?: ClientDemand,
): SecureServerOptions {
  const { limits } = parts;
  const protocols = new ProtocolChoice(parts.challenges);
  return {
    ...parts.tlsOptions,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
    // Node's own differs between processes that were started differently.
    sessionIdContext: 'sallyport',
    allowHTTP1: true,
    handshakeTimeout: handshakeBound(limits),
    ALPNCallback(this: TLSSocket, { servername, protocols: offered }) {
      if (demand?.required === true) refused.watch(this);
      return protocols.choose(this, servername, offered);
    },
    SNICallback(this: TLSSocket, serverName: string, done: SniAnswer) {
      if (protocols.isChallenge(this)) {
        answerProof(protocols, this, done);
        return;
      }
      if (demand?.required === true) refused.watch(this);
      answerServerName({ socket: this, demand, refused, ...parts }, serverName, done);
    },
    // `storeHTTPOptions` of node's HTTP/1.1 server reads these, though the types of `http2` do not know them.
    ...{
      headersTimeout: limits.headerTimeoutMs,
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: checkingInterval(limits),
      maxHeaderSize: limits.headerBytes === 0 ? 1024 * 1024 : limits.headerBytes,
      httpValidation: 'strict',
      optimizeEmptyRequests: true,
      noDelay: true,
    },
    strictSingleValueFields: false,
    maxHeaderListPairs: limits.headerCount === 0 ? 4096 : limits.headerCount + 8,
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
    maxSessionMemory: 10,
    settings: {
      enableConnectProtocol: true,
      enablePush: false,
      maxHeaderListSize: limits.headerBytes === 0 ? 1024 * 1024 : limits.headerBytes,
      ...(limits.streamsPerConnection === 0 ? {} : { maxConcurrentStreams: limits.streamsPerConnection }),
    },
  };
}

/**
 * Options of a server that asks clients for a certificate.
 *
 * Security: no tickets, so that every handshake shows the certificate and has it checked against today's authorities and
 * revocation lists; and sessions of other servers belong to another context.
 */
function guardedOptions(
  parts: TlsServerParts,
  refused: RefusedClients,
  demand: ClientDemand,
): SecureServerOptions {
  return {
    ...serverOptions(parts, refused, demand),
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
    sessionIdContext: demand.id.slice(0, 32),
    requestCert: true,
    rejectUnauthorized: demand.required,
    ca: [...demand.ca],
    ...(demand.crl.length === 0 ? {} : { crl: [...demand.crl] }),
  };
}

function handshakeBound({ handshakeMs }: LimitsConfig): number {
  return handshakeMs === 0 ? 2 ** 31 - 1 : handshakeMs;
}

/** How often node looks for late headers: fine enough that a bound of seconds is kept. */
function checkingInterval({ headerTimeoutMs }: LimitsConfig): number {
  return headerTimeoutMs === 0 ? 30_000 : Math.max(100, Math.min(1_000, headerTimeoutMs / 4));
}

function answerProof(protocols: ProtocolChoice, socket: TLSSocket, done: SniAnswer): void {
  const nothing = new Error('nothing is to be proven for the name');
  const answer = (context: SecureContext | undefined): void => {
    if (socket.destroyed) return;
    if (context === undefined) done(nothing);
    else done(null, context);
  };
  protocols.contextOf(socket).then(answer, () => answer(undefined));
}
