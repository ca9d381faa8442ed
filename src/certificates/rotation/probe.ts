import { isIP } from 'node:net';
import { connect, createServer, type SecureContext, type Server, type TLSSocket } from 'node:tls';
import type { TlsPreset } from '../../config/config.ts';
import type { CertificatePair } from '../certificate.ts';
import type { Found } from '../shelf.ts';
import { tlsOptions } from '../tls-options.ts';

/** Most names that are tried: they share one chain and key. */
const MOST_NAMES = 3;
const BOUND_MS = 3000;
/** Is asked for where a pair has nothing but addresses, which no client can name (RFC 6066 §3). */
const ANY_NAME = 'probe.invalid';

/**
 * Makes handshakes with this very process, on a loopback endpoint that lives only for them, with the names of the pair
 * as SNI, and gives the fingerprint that the client saw. The pair is served to nobody else.
 *
 * @param found - gives the context as it would be given to real handshakes
 * @throws Error in words for people: no handshake in three seconds, or another certificate
 */
export async function probe(pair: CertificatePair, preset: TlsPreset, found: Found): Promise<string> {
  const server = createServer({
    ...tlsOptions(preset),
    SNICallback(
      this: TLSSocket,
      _name: string,
      give: (error: Error | null, context?: SecureContext) => void,
    ) {
      try {
        give(null, found.contextFor(this));
      } catch {
        give(new Error('OpenSSL refuses the pair'));
      }
    },
  });
  server.on('tlsClientError', () => undefined);
  server.on('secureConnection', (socket) => socket.on('error', () => undefined));
  try {
    const port = await listen(server);
    for (const name of namesOf(pair)) await handshake(pair, port, name);
    return pair.fingerprint256;
  } finally {
    server.close();
  }
}

function namesOf({ names }: CertificatePair): readonly string[] {
  const hosts = names.filter((name) => isIP(name) === 0);
  if (hosts.length === 0) return [ANY_NAME];
  return hosts.slice(0, MOST_NAMES).map((name) => name.replace(/^\*/, 'probe'));
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : 0);
    });
  });
}

function handshake(pair: CertificatePair, port: number, servername: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Whether the chain is trusted is the business of clients; it was checked before it was staged.
    const socket = connect({ host: '127.0.0.1', port, servername, rejectUnauthorized: false });
    const fail = (why: string): void => reject(new Error(`the handshake for ${servername} failed: ${why}`));
    socket.setTimeout(BOUND_MS, () => socket.destroy(new Error('it took too long')));
    socket.once('error', (error) => fail(error.message));
    socket.once('close', () => fail('the connection was closed'));
    socket.once('secureConnect', () => {
      const seen = socket.getPeerCertificate();
      if (seen.fingerprint256 !== pair.fingerprint256) fail(`it showed ${seen.fingerprint256}`);
      else resolve();
      socket.destroy();
    });
  });
}
