import type { X509Certificate } from 'node:crypto';
import type { SecureContext, SecureVersion, TLSSocket } from 'node:tls';
import type { ClientFacts } from '../certificates/client-certificate.ts';
import type { ClientDemand } from '../certificates/client-demands.ts';
import type { Secret } from '../lib/secret.ts';

/** What a handshake needs to know of a server name. */
export interface PickedCertificate {
  readonly policyId: string;
  readonly minVersion: SecureVersion;
  /** Gives the context for a handshake that is under way, by what its client can check. */
  contextFor(socket: TLSSocket, demand?: ClientDemand): SecureContext;
  /** Gives the name of the certificate in that context. */
  certificateFor(socket: TLSSocket): string;
}

/** What a client is served that names no host. */
export interface NamelessCertificate {
  readonly name: string;
  /** Equal for equal pairs. */
  readonly id: string;
  /** Leaf first, PEM. */
  readonly certificate: string;
  readonly key: Secret;
}

/** The certificates as the handshake sees them; asked anew for every handshake. */
export interface CertificatePicker {
  /** @param serverName - canonical; `undefined` when the client sent none */
  find(serverName: string | undefined): PickedCertificate | undefined;
  /** Gives what is served, whatever the name, to a handshake that this process makes with itself; `undefined` for all others. */
  stagedFor(socket: TLSSocket): PickedCertificate | undefined;
  /** Gives the certificate for clients that name no host, `undefined` when they get none. */
  nameless(): NamelessCertificate | undefined;
  /** Whether any host asks its clients for a certificate. */
  demandsAny(): boolean;
  /** Whether a demand still holds. */
  isDemanded(id: string): boolean;
  /** @param serverName - in any spelling */
  demandOf(serverName: string | undefined): ClientDemand | undefined;
  /** Reads what a client showed. @throws Error when it is damaged */
  readClient(certificate: X509Certificate): ClientFacts;
  /**
   * Gives the names of the entries of a demand that vouch for a certificate which OpenSSL has verified.
   * @param sent - the client's own certificate first, then the others, in the order in which they were sent
   */
  vouchers(sent: readonly X509Certificate[], demand: string): readonly string[];
}

/** Gives the id of a TLS policy: of the certificate, and of what is demanded of clients. */
export function tlsPolicyId(certificate: string, demand: string | undefined): string {
  return demand === undefined ? certificate : `${certificate} ${demand}`;
}
