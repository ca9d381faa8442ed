import type { Http2Session, ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Connection } from './connection.ts';
import { describeSocket, type HandshakeContext } from './describe-socket.ts';

/**
 * What is known of the connections of one server. Comes in: sockets and sessions whose handshake is done. Goes out: their
 * facts, read once each; one that may not go on is destroyed.
 */
export class DescribedConnections {
  readonly #context: HandshakeContext;
  /** By socket for HTTP/1.1, by session for HTTP/2. */
  readonly #known = new WeakMap<object, Connection>();

  constructor(context: HandshakeContext) {
    this.#context = context;
  }

  /** Gives the connection of a socket that speaks HTTP/1.1; `undefined`: it may not go on, and is destroyed. */
  http1(socket: TLSSocket): Connection | undefined {
    return this.#known.get(socket) ?? this.#describe(socket, socket, '1.1');
  }

  /** Takes a session that begins. @returns its connection; `undefined`: it may not go on, and is destroyed */
  begin(session: ServerHttp2Session): Connection | undefined {
    return this.#describe(session, session.socket as TLSSocket, '2');
  }

  /** Gives the connection of a session that has begun and may go on. */
  http2(session: Http2Session): Connection | undefined {
    return this.#known.get(session);
  }

  #describe(
    owner: TLSSocket | ServerHttp2Session,
    socket: TLSSocket,
    http: Connection['http'],
  ): Connection | undefined {
    const described = describeSocket(socket, http, this.#context);
    if (described === undefined) owner.destroy();
    else this.#known.set(owner, described);
    return described;
  }
}
