import type { Http2SecureServer } from 'node:http2';

/**
 * The servers of one endpoint that ask clients for a certificate, one per demand. They listen nowhere: a connection is
 * handed to one when the host that it names is known.
 *
 * Security: whether a client is asked is a property of a server in OpenSSL, and so are the keys of session tickets. A
 * server per demand asks nobody else, and no session made elsewhere is resumed on it.
 */
export class GuardedServers<Demand extends { readonly id: string }> {
  readonly #servers = new Map<string, Http2SecureServer>();
  readonly #make: (demand: Demand) => Http2SecureServer;
  readonly #isWanted: (id: string) => boolean;

  /**
   * @param make - gives a server that does not listen
   * @param isWanted - whether a demand still holds
   */
  constructor(make: (demand: Demand) => Http2SecureServer, isWanted: (id: string) => boolean) {
    this.#make = make;
    this.#isWanted = isWanted;
  }

  /** Gives the server of a demand, made on first use; those whose demand is gone end what is idle on them. */
  of(demand: Demand): Http2SecureServer {
    const known = this.#servers.get(demand.id);
    if (known !== undefined) return known;
    for (const [id, server] of this.#servers) {
      if (this.#isWanted(id)) continue;
      server.close();
      this.#servers.delete(id);
    }
    const server = this.#make(demand);
    this.#servers.set(demand.id, server);
    // Node starts looking for late headers when a server listens.
    server.emit('listening');
    return server;
  }

  /** Ends the sessions of HTTP/2 gracefully, and forgets the servers. */
  close(): void {
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }
}
