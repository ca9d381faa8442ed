import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Both ends of a connection that this process made with itself. */
export interface OwnConnection {
  readonly client: Socket;
  readonly accepted: Socket;
}

/**
 * A port of loopback on which this process connects with itself.
 *
 * Security: of what comes in, only the other end of a connection that was asked for here is given out; strangers are hung up on.
 */
export class LoopbackGate {
  readonly port: number;
  readonly #server: Server;
  #strange: Socket[] = [];
  #expected: (() => void) | undefined;

  private constructor(server: Server) {
    const address = server.address();
    this.port = typeof address === 'object' && address !== null ? address.port : 0;
    this.#server = server;
    server.on('connection', (socket) => {
      socket.on('error', () => undefined);
      this.#strange.push(socket);
      if (this.#expected === undefined) this.#hangUp();
      else this.#expected();
    });
  }

  /** @throws Error of the system when there is no port to be had */
  static async open(): Promise<LoopbackGate> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new LoopbackGate(server);
  }

  /** Connects, one connection at a time. @throws Error of the system */
  async connection(): Promise<OwnConnection> {
    const client = connect({ host: '127.0.0.1', port: this.port });
    try {
      const accepted = await new Promise<Socket>((resolve, reject) => {
        // Either end may be told first.
        this.#expected = () => {
          const own = this.#strange.find(({ remotePort }) => remotePort === client.localPort);
          if (!client.pending && own !== undefined) resolve(own);
        };
        client.once('connect', this.#expected);
        client.once('close', () => reject(new Error('the connection was closed')));
        client.on('error', reject);
      });
      this.#strange = this.#strange.filter((socket) => socket !== accepted);
      return { client, accepted };
    } finally {
      this.#expected = undefined;
      this.#hangUp();
    }
  }

  /** Takes no connection any more; those that were given out go on. */
  close(): void {
    this.#server.close();
    this.#hangUp();
  }

  #hangUp(): void {
    for (const socket of this.#strange.splice(0)) socket.destroy();
  }
}
