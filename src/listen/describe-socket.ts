import type { TLSSocket } from 'node:tls';
import type { ClientCertificate } from '../exchange.ts';
import { canonicalHost } from '../lib/canonical-host.ts';
import { unmappedAddress } from '../lib/ip-range.ts';
import { type CertificatePicker, type ClientDemand, tlsPolicyId } from './certificate-picker.ts';
import { type Connection, describeConnection } from './connection.ts';

/**
 * Gives the facts of a connection whose handshake is done, or `undefined` when it must be dropped: the name that OpenSSL
 * read demands a newer protocol or another proof than the handshake was made under, or a required certificate is not there.
 *
 * @param demand - what the server that shook hands asked of the client
 */
export function describeSocket(
  socket: TLSSocket,
  http: '1.1' | '2',
  certificates: CertificatePicker,
  demand: ClientDemand | undefined,
): Connection | undefined {
  const { servername } = socket as { servername?: string | false };
  const serverName = typeof servername === 'string' ? canonicalHost(servername) : undefined;
  const picked =
    (serverName === undefined ? undefined : certificates.find(serverName)) ?? certificates.find(undefined);
  const tlsProtocol = socket.getProtocol() ?? '';
  if (picked?.minVersion === 'TLSv1.3' && tlsProtocol !== 'TLSv1.3') return undefined;
  if (certificates.demandOf(serverName)?.id !== demand?.id) return undefined;
  const certificate = demand === undefined ? undefined : shown(socket, demand, certificates);
  if (demand?.required === true && (certificate === undefined || certificate.fault !== undefined))
    return undefined;
  return describeConnection({
    peer: unmappedAddress(socket.remoteAddress ?? ''),
    port: socket.remotePort ?? 0,
    http,
    serverName,
    tlsPolicy: tlsPolicyId(picked?.policyId ?? 'none', demand?.id),
    tlsProtocol,
    certificate,
  });
}

/** Gives the certificate that the client showed. @throws nothing: one that cannot be read is a fault */
function shown(
  socket: TLSSocket,
  demand: ClientDemand,
  certificates: CertificatePicker,
): ClientCertificate | undefined {
  const x509 = socket.getPeerX509Certificate();
  if (x509 === undefined) return undefined;
  const fault =
    socket.authorized && !socket.isSessionReused() ? undefined : String(socket.authorizationError);
  try {
    return { ...certificates.readClient(x509), demand: demand.id, fault };
  } catch {
    return undefined;
  }
}
