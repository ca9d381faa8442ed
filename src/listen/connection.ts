import type { Client, ClientCertificate } from '../exchange.ts';

/** What is known of a TLS connection once its handshake is done; the same for every request on it. */
export interface Connection {
  /** IP address of the socket's other end, IPv4-mapped IPv6 written as IPv4. */
  readonly peer: string;
  readonly port: number;
  readonly http: '1.1' | '2';
  readonly serverName: string | undefined;
  readonly tlsPolicy: string;
  readonly tlsProtocol: string;
  /** What the client showed when it was asked. */
  readonly certificate?: ClientCertificate | undefined;
  /** The client of a request that no trusted proxy speaks for. */
  readonly client: Client;
}

/** Gives the facts of a connection, with the peer as its client. */
export function describeConnection(facts: Omit<Connection, 'client'>): Connection {
  const client: Client = { address: facts.peer, ...facts };
  return { ...facts, client };
}
