import type { SecureContext, TLSSocket } from 'node:tls';
import type { ClientDemand } from '../certificates/client-demands.ts';
import { canonicalHost } from '../lib/canonical-host.ts';
import type { CertificatePicker } from './certificate-picker.ts';
import type { HandshakeWatch } from './handshake-watch.ts';
import type { RefusedClients } from './refused-clients.ts';

/** Takes the context for a handshake, or why there is none. */
export type SniAnswer = (error: Error | null, context?: SecureContext) => void;

/** A handshake whose client has named its host. */
export interface Handshake {
  readonly socket: TLSSocket;
  readonly demand: ClientDemand | undefined;
  readonly certificates: CertificatePicker;
  readonly refused: RefusedClients;
  readonly handshakeWatch?: HandshakeWatch;
}

/** Answers with the certificate for a server name. Never throws: what is thrown inside the callback would end the process. */
export function answerServerName(
  { socket, demand, certificates, refused, handshakeWatch }: Handshake,
  serverName: string,
  done: SniAnswer,
): void {
  try {
    const staged = certificates.stagedFor(socket);
    const name = canonicalHost(serverName);
    // What is no host name is treated as an unknown one, never as an absent one.
    const picked =
      staged ?? (name === undefined ? undefined : certificates.find(name)) ?? certificates.find(undefined);
    if (picked?.minVersion === 'TLSv1.3' && socket.getProtocol() !== 'TLSv1.3') {
      done(new Error('the name demands a newer protocol'));
    } else {
      if (staged !== undefined) refused.ignore(socket);
      else if (picked !== undefined) handshakeWatch?.shows(socket, picked.certificateFor(socket));
      done(null, picked?.contextFor(socket, demand));
    }
  } catch {
    done(new Error('no certificate for the name'));
  }
}
