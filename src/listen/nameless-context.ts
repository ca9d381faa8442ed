import type { Http2SecureServer } from 'node:http2';
import type { SecureContextOptions } from 'node:tls';
import type { CertificatePicker } from './certificate-picker.ts';

/**
 * Gives what brings a server's own context in line with the certificate for clients that name no host: node asks nobody
 * for theirs. To be called before each handshake; never throws.
 *
 * @param options - what the server was made with
 */
export function namelessContext(
  server: Http2SecureServer,
  options: SecureContextOptions,
  certificates: Pick<CertificatePicker, 'nameless'>,
): () => void {
  let served: string | undefined;
  return () => {
    const wanted = certificates.nameless();
    if (wanted?.id === served) return;
    served = wanted?.id;
    const pair = wanted === undefined ? {} : { cert: wanted.certificate, key: wanted.key.reveal() };
    try {
      // A new context would seal tickets with keys of its own.
      server.setSecureContext({ ...options, ...pair, ticketKeys: server.getTicketKeys() });
    } catch {
      // What OpenSSL refuses must not end the process: what was served is served on.
    }
  };
}
