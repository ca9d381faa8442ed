import type { X509Certificate } from 'node:crypto';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { ClientDemand } from '../certificates/client-demands.ts';
import type { CertificateFault, RefusedCertificate } from '../exchange.ts';
import { canonicalHost } from '../lib/canonical-host.ts';
import { unmappedAddress } from '../lib/ip-range.ts';
import { certificateFault } from './certificate-fault.ts';

/** What can be read of a socket only until it is destroyed. */
interface Seen {
  readonly address: string;
  fingerprint: string | undefined;
}

type Tell = (refused: RefusedCertificate) => void;

/** Tells of clients whose certificate a handshake does not believe, once each. */
export class RefusedClients {
  readonly #tell: Tell;
  readonly #seen = new WeakMap<TLSSocket, Seen>();
  readonly #own = new WeakSet<TLSSocket>();

  constructor(tell: Tell) {
    this.#tell = tell;
  }

  /** Takes a socket whose handshake is under way: node destroys it as soon as it turns the client down. */
  watch(socket: TLSSocket): void {
    if (this.#seen.has(socket)) return;
    const seen: Seen = { address: addressOf(socket), fingerprint: undefined };
    this.#seen.set(socket, seen);
    // In front of node's own listener, which is the one that destroys.
    socket.prependOnceListener('secure', () => {
      seen.fingerprint = fingerprintOf(socket.getPeerX509Certificate());
    });
  }

  /** Takes a socket of this process itself, which shows nothing: nothing that happens on it is reported. */
  ignore(socket: TLSSocket): void {
    this.#own.add(socket);
  }

  /** Takes a handshake that failed, for whatever reason, and reports it when that is the client's certificate. */
  failed(socket: TLSSocket, error: Error, demand: ClientDemand): void {
    // An `Error` by its type, a code in fact, and null where nothing was wrong.
    const verdict: unknown = socket.authorizationError;
    if (typeof verdict === 'string') {
      this.report(socket, certificateFault(verdict), demand);
    } else if ('code' in error && certificateFault(String(error.code)) === 'none-shown') {
      this.report(socket, 'none-shown', demand);
    }
  }

  /**
   * Tells of a client whose certificate is not believed; what becomes of the connection is up to the caller.
   *
   * @param shown - absent: what was seen in the handshake
   */
  report(socket: TLSSocket, reason: CertificateFault, demand: ClientDemand, shown?: X509Certificate): void {
    if (this.#own.has(socket)) return;
    const seen = this.#seen.get(socket);
    const { servername } = socket as { servername?: string | false };
    this.#tell({
      address: seen?.address ?? addressOf(socket),
      required: demand.required,
      entries: demand.names,
      reason,
      host: typeof servername === 'string' ? canonicalHost(servername) : undefined,
      fingerprint: seen?.fingerprint ?? fingerprintOf(shown),
    });
  }
}

function fingerprintOf(certificate: X509Certificate | undefined): string | undefined {
  return certificate?.fingerprint256.replaceAll(':', '').toLowerCase();
}

/** Who names neither host nor protocol is first heard of when the socket is gone; node keeps the one below under a name of its own. */
function addressOf(socket: TLSSocket): string {
  const { _parent: below } = socket as { _parent?: Socket };
  return unmappedAddress(socket.remoteAddress ?? below?.remoteAddress ?? '');
}
