import { isIP, type Socket } from 'node:net';
import { type ConnectionOptions, connect } from 'node:tls';
import type { CertificatePair } from '../certificate.ts';
import { pemBlocks } from '../pem.ts';
import type { Found } from '../shelf.ts';
import { LoopbackGate, type OwnConnection } from './loopback-gate.ts';

/** Takes a connection as an endpoint takes those that it accepts: TLS, server name, demand on the client. */
export type OwnEndpoint = (connection: Socket) => void;

/** Most names that are tried: they share one chain and key. */
const MOST_NAMES = 3;
const BOUND_MS = 3000;
/** Is asked for where a pair has nothing but addresses, which no client can name (RFC 6066 §3). */
const ANY_NAME = 'probe.invalid';

/**
 * Makes handshakes of this process with its own endpoints, with the names of a staged pair as SNI.
 *
 * Security: a connection of such a handshake is made by this process alone, over a port of loopback that lives only for
 * it; to that port, and to nobody else, the staged pair is served.
 */
export class Probe {
  readonly #staged = new Map<number, Found>();
  #endpoints: readonly OwnEndpoint[] = [];

  /** Names the endpoints: from now on staged pairs can be tried. */
  attach(endpoints: readonly OwnEndpoint[]): void {
    this.#endpoints = endpoints;
  }

  /** Whether there is an endpoint to try anything at. */
  get ready(): boolean {
    return this.#endpoints.length > 0;
  }

  /** Gives what a handshake of this process with itself is served, `undefined` for those of clients. */
  stagedFor(socket: Pick<Socket, 'localPort'>): Found | undefined {
    if (this.#staged.size === 0) return undefined;
    return this.#staged.get(socket.localPort ?? -1);
  }

  /**
   * Tries a pair at every endpoint, then once as a client does that trusts the top of its chain and nothing else, and gives
   * the fingerprint that the client's side saw.
   *
   * @param found - the pair, as real handshakes would find it
   * @throws Error in words for people: no endpoint, no handshake in three seconds, another certificate, or a chain that
   * OpenSSL refuses, with what it says
   */
  async try(pair: CertificatePair, found: Found): Promise<string> {
    if (!this.ready) throw new Error('its endpoints are not open yet');
    const gate = await LoopbackGate.open();
    this.#staged.set(gate.port, found);
    try {
      const names = namesOf(pair);
      for (const endpoint of this.#endpoints) {
        for (const name of names) await handshake(pair, name, await connectionTo(endpoint, gate), ANY_CHAIN);
      }
      const [endpoint] = this.#endpoints;
      const [name] = names;
      // With the right certificate everywhere, what is left to go wrong is its chain.
      if (endpoint !== undefined && name !== undefined)
        await handshake(pair, name, await connectionTo(endpoint, gate), trustIn(pair));
      return pair.fingerprint256;
    } finally {
      this.#staged.delete(gate.port);
      gate.close();
    }
  }
}

function namesOf({ names }: CertificatePair): readonly string[] {
  const hosts = names.filter((name) => isIP(name) === 0);
  if (hosts.length === 0) return [ANY_NAME];
  return hosts.slice(0, MOST_NAMES).map((name) => name.replace(/^\*/, 'probe'));
}

async function connectionTo(endpoint: OwnEndpoint, gate: LoopbackGate): Promise<OwnConnection> {
  const connection = await gate.connection();
  endpoint(connection.accepted);
  return connection;
}

const ANY_CHAIN: ConnectionOptions = { rejectUnauthorized: false };

/**
 * Gives what a client knows that trusts the last certificate of a chain, be it a root or not. Names were checked before: a
 * wildcard is asked for by a name that may belong to nobody.
 */
function trustIn({ certificate }: CertificatePair): ConnectionOptions {
  const ca = pemBlocks(certificate).at(-1)?.text ?? '';
  return { ca, allowPartialTrustChain: true, rejectUnauthorized: true, checkServerIdentity: () => undefined };
}

function handshake(
  pair: CertificatePair,
  servername: string,
  { client, accepted }: OwnConnection,
  trust: ConnectionOptions,
): Promise<void> {
  return new Promise<void>((resolve, reject) => {
    const socket = connect({ socket: client, servername, ...trust });
    const fail = (why: string): void => reject(new Error(`the handshake for ${servername} failed: ${why}`));
    socket.setTimeout(BOUND_MS, () => socket.destroy(new Error('it took too long')));
    socket.once('error', (error) => fail(error.message));
    socket.once('close', () => fail('the connection was closed'));
    socket.once('secureConnect', () => {
      const seen = socket.getPeerCertificate();
      if (seen.fingerprint256 !== pair.fingerprint256) fail(`it showed ${seen.fingerprint256}`);
      else resolve();
      // Gently: the endpoint has not seen the end of the handshake yet, and would count one that failed.
      socket.end();
    });
  }).catch((error: unknown) => {
    client.destroy();
    accepted.destroy();
    throw error;
  });
}
