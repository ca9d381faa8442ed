import { constants } from 'node:crypto';
import type { SecureServerOptions } from 'node:http2';
import type { SecureContext, SecureContextOptions, TLSSocket } from 'node:tls';
import type { ClientDemand } from '../certificates/client-demands.ts';
import type { LimitsConfig } from '../config/config.ts';
import { answerServerName, type SniAnswer } from './answer-server-name.ts';
import type { CertificatePicker } from './certificate-picker.ts';
import { type Challenges, ProtocolChoice } from './challenge-answers.ts';
import type { HandshakeWatch } from './handshake-watch.ts';
import type { RefusedClients } from './refused-clients.ts';

/** What the handshakes of an endpoint are made with. */
export interface TlsServerOptionsParts {
  readonly certificates: CertificatePicker;
  readonly tlsOptions: SecureContextOptions;
  readonly limits: LimitsConfig;
  /** Answers of ACME challenges. */
  readonly challenges: Challenges;
  /** Learns which certificates clients take; absent: nobody wants to know. */
  readonly handshakeWatch?: HandshakeWatch;
}

/** CPU that a flood of garbage may cost before the connection is closed: frames and streams (RFC 9113 §10.5). */
const MAX_INVALID_FRAMES = 100;
const MAX_REJECTED_STREAMS = 100;

/**
 * Gives the options of a server that speaks HTTP/2 and HTTP/1.1 over TLS, and asks clients for a certificate when there is
 * a demand.
 *
 * Security: see `guardedOptions`; no renegotiation (RFC 9113 §9.2.1), and nothing in the callbacks throws into the handshake.
 */
export function tlsServerOptions(
  parts: TlsServerOptionsParts,
  refused: RefusedClients,
  demand: ClientDemand | undefined,
): SecureServerOptions {
  const options = serverOptions(parts, refused, demand);
  return demand === undefined ? options : { ...options, ...guardedOptions(demand) };
}

function serverOptions(
  parts: TlsServerOptionsParts,
  refused: RefusedClients,
  demand: ClientDemand | undefined,
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
 * What is different for a server that asks clients for a certificate.
 *
 * Security: no tickets, so that every handshake shows the certificate and has it checked against today's authorities and
 * revocation lists; and sessions of other servers belong to another context.
 */
function guardedOptions(demand: ClientDemand): SecureServerOptions {
  return {
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION | constants.SSL_OP_NO_TICKET,
    sessionIdContext: demand.id.slice(0, 32),
    requestCert: true,
    rejectUnauthorized: demand.required,
    ca: [...demand.ca],
    ...(demand.crl.length === 0 ? {} : { crl: [...demand.crl] }),
  };
}

/** Gives how long a handshake may take, in milliseconds; where nobody bounds it, the longest that a timer can wait. */
export function handshakeBound({ handshakeMs }: LimitsConfig): number {
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
