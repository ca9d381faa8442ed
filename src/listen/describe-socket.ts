import type { X509Certificate } from 'node:crypto';
import type { TLSSocket } from 'node:tls';
import type { ClientDemand } from '../certificates/client-demands.ts';
import type { ClientCertificate } from '../exchange.ts';
import { canonicalHost } from '../lib/canonical-host.ts';
import { unmappedAddress } from '../lib/ip-range.ts';
import { certificateFault } from './certificate-fault.ts';
import { type CertificatePicker, tlsPolicyId } from './certificate-picker.ts';
import { type Connection, describeConnection } from './connection.ts';
import type { RefusedClients } from './refused-clients.ts';

/** Certificates of a handshake that are read: many more than a real chain has. */
const MAX_SENT = 64;

/** With what a handshake was made, and under what its connection is looked at. */
export interface HandshakeContext {
  readonly certificates: CertificatePicker;
  /** What the server that shook hands asked of the client. */
  readonly demand: ClientDemand | undefined;
  /** Learns of certificates that are not believed. */
  readonly refused: RefusedClients;
}

/**
 * Gives the facts of a connection whose handshake is done, or `undefined` when it must be dropped: the name that OpenSSL
 * read demands a newer protocol or another proof than the handshake was made under, or a required certificate is not there.
 * A certificate that is not believed is reported to `refused` on the way, also where the connection goes on without it.
 */
export function describeSocket(
  socket: TLSSocket,
  http: '1.1' | '2',
  context: HandshakeContext,
): Connection | undefined {
  const { certificates, demand } = context;
  const { servername } = socket as { servername?: string | false };
  const serverName = typeof servername === 'string' ? canonicalHost(servername) : undefined;
  const picked =
    (serverName === undefined ? undefined : certificates.find(serverName)) ?? certificates.find(undefined);
  const tlsProtocol = socket.getProtocol() ?? '';
  if (picked?.minVersion === 'TLSv1.3' && tlsProtocol !== 'TLSv1.3') return undefined;
  if (certificates.demandOf(serverName)?.id !== demand?.id) return undefined;
  const certificate = demand === undefined ? undefined : takeShown(socket, demand, context);
  if (demand?.required === true && (certificate?.trustedBy.length ?? 0) === 0) return undefined;
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

/** Gives the certificate that the client showed, and reports one that is not believed. @throws nothing: one that cannot be read is none */
function takeShown(
  socket: TLSSocket,
  demand: ClientDemand,
  { certificates, refused }: HandshakeContext,
): ClientCertificate | undefined {
  const x509 = socket.getPeerX509Certificate();
  if (x509 === undefined) return undefined;
  const fault =
    socket.authorized && !socket.isSessionReused()
      ? undefined
      : certificateFault(String(socket.authorizationError));
  try {
    const facts = certificates.readClient(x509);
    const trustedBy = fault === undefined ? certificates.vouchers(sentWith(x509), demand.id) : [];
    if (trustedBy.length === 0) refused.report(socket, fault ?? 'authority-ambiguous', demand, x509);
    return { ...facts, demand: demand.id, fault, trustedBy };
  } catch {
    refused.report(socket, 'malformed', demand, x509);
    return undefined;
  }
}

/**
 * Gives the certificates of a handshake as they were sent, the client's own first.
 *
 * Node's `issuerCertificate` promises more than it gives: for a certificate of a handshake it leads to the next one that
 * the client sent, in whatever order, not to the issuer and not along the chain that OpenSSL verified, which node does not
 * tell. `getPeerCertificate(true)` goes by issuers, but looks at names and keeps one of each, and lost what was sent in
 * node 26.8 (nodejs/node#65579). Where the others are lost, nobody vouches for a chain that needs them.
 */
function sentWith(first: X509Certificate): readonly X509Certificate[] {
  const sent: X509Certificate[] = [];
  for (let next: X509Certificate | undefined = first; next !== undefined; next = next.issuerCertificate) {
    if (sent.push(next) > MAX_SENT) break;
  }
  return sent;
}
