import type { Duplex } from 'node:stream';
import type { RouteConfig } from './config/config.ts';
import type { ByteSource } from './lib/byte-source.ts';

/**
 * The cards that a request carries from room to room. Types only: each room takes one card and gives the next.
 *
 * listen -> Arrived -> route -> Routed -> authenticate -> Identified -> authorize -> Admitted -> forward -> Answered
 */

/** Flat list `[name, value, name, value, ...]`; names lower-case, order and duplicates kept. */
export type HeaderList = readonly string[];

/** Names of the authentication methods, as written in a route's `accept`. */
export type MethodName = 'token' | 'basic' | 'session' | 'oidc' | 'apiKey' | 'certificate';

/** The one spelling of a request: policy, routing, log and upstream all read this object and nothing else. */
export interface CanonicalRequest {
  /** Upper-case token (RFC 9110 §9.1); `GET` for a WebSocket over HTTP/2 (RFC 8441). */
  readonly method: string;
  /** Lower-case, without port and trailing dot. */
  readonly host: string;
  /** `host` with the port the client named, as the upstream is told it. */
  readonly authority: string;
  /** Starts with `/`; percent-encoding normalised, no dot segments, no empty segments but the last. */
  readonly path: string;
  /** Empty, or starts with `?`. Never read by policy. */
  readonly query: string;
  /** All fields but `host` and the HTTP/2 pseudo fields. */
  readonly headers: HeaderList;
  readonly authorization: string | undefined;
  readonly cookie: string | undefined;
  /** Set when the client asks for a WebSocket (RFC 6455 §4.1, RFC 8441 §4). */
  readonly upgrade: 'websocket' | undefined;
  /** Length of the body in bytes; `undefined` when there is none or it is not known in advance. */
  readonly contentLength: number | undefined;
}

/** What is known of the connection and of who stands at its other end, before any credential is read. */
export interface Client {
  /** IP address of the client, canonical, IPv4-mapped IPv6 written as IPv4; behind trusted proxies the one they report. */
  readonly address: string;
  /** IP address of the socket's other end. */
  readonly peer: string;
  readonly port: number;
  readonly http: '1.1' | '2';
  /** Lower-case server name of the handshake without trailing dot; `undefined` when absent. */
  readonly serverName: string | undefined;
  /** Id of the TLS policy under which the handshake was made. */
  readonly tlsPolicy: string;
  readonly tlsProtocol: string;
  /** What the client showed in the handshake; absent when it was not asked or showed none. */
  readonly certificate?: ClientCertificate | undefined;
}

/** The certificate of a client, with the verdict of the handshake. */
export interface ClientCertificate {
  /** Id of the demand under which it was checked. */
  readonly demand: string;
  /** Why it is not trusted; `undefined`: its chain, purpose, dates and revocation were in order. */
  readonly fault: CertificateFault | undefined;
  /** Names of the entries of `authenticate.certificate` that vouch for it; none for one that is not trusted. */
  readonly trustedBy: readonly string[];
  /** SHA-256 of its DER, 64 lower-case hex digits. */
  readonly fingerprint: string;
  /** Distinguished name on one line, for people and logs of upstreams; never compared. */
  readonly subject: string;
  /** Only when the subject holds exactly one. */
  readonly commonName: string | undefined;
  /** Subject alternative names, in their order; DNS names and the domains of addresses lower-case. */
  readonly emails: readonly string[];
  readonly dnsNames: readonly string[];
  readonly uris: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

/** Why a handshake did not believe a client's certificate. Closed set, for logs and metrics; never told to the client. */
export type CertificateFault =
  | 'none-shown'
  | 'revoked'
  | 'expired'
  | 'not-yet-valid'
  | 'purpose-wrong'
  | 'authority-unknown'
  | 'authority-ambiguous'
  | 'chain-invalid'
  | 'signature-wrong'
  | 'crl-expired'
  | 'crl-not-yet-valid'
  | 'crl-missing'
  | 'crl-invalid'
  | 'malformed'
  | 'other';

/** A client whose certificate a handshake did not believe, or who showed none where there is no connection without. */
export interface RefusedCertificate {
  /** IP address of the socket's other end, IPv4-mapped IPv6 written as IPv4; empty when it could not be learned. */
  readonly address: string;
  /** Whether the client got no connection; otherwise the certificate just counts for nothing. */
  readonly required: boolean;
  /** Names of the entries of `authenticate.certificate` that the host asks for, the one that covers it first. */
  readonly entries: readonly string[];
  readonly reason: CertificateFault;
  /** Canonical server name of the handshake; `undefined` when absent or none. */
  readonly host: string | undefined;
  /** SHA-256 of what was shown, 64 lower-case hex digits; `undefined` when there was nothing or it could not be read. */
  readonly fingerprint: string | undefined;
}

/** One notebook per exchange: rooms write facts, only `observe/` reads them. */
export interface ExchangeRecord {
  route: string | undefined;
  user: string | undefined;
  /** Authentication method that verified the identity. */
  method: MethodName | undefined;
  decision: 'allowed' | 'denied' | 'failed' | undefined;
  /** Word from a closed set: why it was denied or failed. Never client text. */
  reason: string | undefined;
  /** Error code `SP_...` of the answer, when the gateway made it. */
  code: string | undefined;
  /** Private explanation for the log; no credential, cookie or key. */
  detail: string | undefined;
  /** Address of the target that answered. */
  upstream: string | undefined;
  /** Milliseconds from dispatch to the head of the upstream's answer. */
  upstreamMs: number | undefined;
  /** Milliseconds spent until the identity was known. */
  authenticateMs: number | undefined;
  retries: number;
  /** Set when somebody tried to sign in with this exchange and did not succeed; the security log tells it. */
  failedSignIn?: FailedSignIn | undefined;
}

/** An attempt to prove who one is that did not succeed. */
export interface FailedSignIn {
  /** `throttled`: turned away unseen, because too many attempts failed before. */
  readonly outcome: 'failed' | 'throttled';
  readonly method: MethodName | 'password' | 'passkey' | 'totp' | 'recovery-code';
  /** The name that was claimed, as it was given; `undefined` for none. */
  readonly user: string | undefined;
  /** Word from a closed set, as in `ExchangeRecord.reason`. Never client text. */
  readonly reason: string;
}

/** A request that was read. */
export interface Arrived {
  /** Unique per exchange; sent to the upstream and in every error answer. */
  readonly id: string;
  /** `performance.now()` at arrival, milliseconds. */
  readonly startedAtMs: number;
  readonly request: CanonicalRequest;
  readonly client: Client;
  readonly body: ByteSource | null;
  readonly record: ExchangeRecord;
  /** Passes an interim answer (1xx) of the upstream on to the client at once. */
  readonly interim: (status: number, headers: HeaderList) => void;
  /** Calls back, at most once, when the client goes away before its answer is complete. */
  readonly onAbort: (listener: () => void) => void;
}

/** A route as compiled from its config: what the rooms need, ready to use. */
export interface Route {
  /** Host and path as configured, e.g. `api.example.com/v1`: log field and metric label. */
  readonly id: string;
  readonly config: RouteConfig;
}

/** A request with the one route that serves it. */
export interface Routed {
  readonly arrived: Arrived;
  readonly route: Route;
}

/** Who is asking, as verified. */
export interface Identity {
  /** Canonical user name, prefixed by nothing; what `users` in `allow` is compared with. */
  readonly user: string;
  readonly method: MethodName;
  readonly groups: readonly string[];
  /** Verified by whoever vouches for the identity, lower-case. */
  readonly email: string | undefined;
  /** Claims of a token, empty for other methods. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Session the credential is bound to. */
  readonly sessionId: string | undefined;
  /** Seconds since the epoch at which the credential ends; `undefined` when it does not. */
  readonly expiresAtSec: number | undefined;
  /** Seconds since the epoch at which a person last proved who they are; absent when nobody says so. */
  readonly authenticatedAtSec?: number | undefined;
  /** Seconds since the epoch of the last second factor; absent without one. */
  readonly secondFactorAtSec?: number | undefined;
  /** What an app password may be used for; absent for credentials that are not bound. */
  readonly bounds?: CredentialBounds;
}

/** What a credential may be used for; an empty list does not bind. */
export interface CredentialBounds {
  /** Ids of routes, or `host` and `host/path` prefixes on segment boundaries. */
  readonly routes: readonly string[];
  /** Upper-case HTTP methods. */
  readonly methods: readonly string[];
  /** CIDRs of the client address. */
  readonly addresses: readonly string[];
}

/** What a verified credential hangs on: it is not trusted any longer, and its open streams are cut, when any of these ends. */
export interface Ties {
  /** Seconds since the epoch from which it does not count any more, clock tolerance included; `undefined`: never. */
  readonly expiresAtSec: number | undefined;
  /** Whether verifying it anew asks the state. */
  readonly needsState: boolean;
  /** Canonical name of the account, or of the user whose session it is. */
  readonly account: string | undefined;
  readonly sessionId: string | undefined;
  readonly jti: string | undefined;
  readonly subject: string | undefined;
  readonly issuedAtSec: number | undefined;
  /** Longest silence after which a credential is asked for anew, milliseconds; absent: silence does not end it. */
  readonly idleMs?: number;
  /** Public id of the app password. */
  readonly apiKeyId?: string | undefined;
}

/** A request of somebody who is known, or of anybody on a public route. */
export interface Identified extends Routed {
  /** `null` only on a public route. */
  readonly identity: Identity | null;
  /** What the identity, and a certificate that the route needs, hang on; absent without both. */
  readonly ties?: Ties | undefined;
  /** The client's certificate when it counts on the route: an entry of the route vouches for it. */
  readonly certificate?: ClientCertificate | undefined;
}

declare const admitted: unique symbol;

/** Branded: only `authorize()` makes one, and `forward()` takes nothing else. */
export interface Admitted extends Identified {
  readonly [admitted]: true;
}

/** An answer on its way to the client. */
export interface Answered {
  readonly status: number;
  readonly headers: HeaderList;
  readonly body: ByteSource | Uint8Array | null;
  /** On status 101 the upstream's end of the WebSocket. */
  readonly tunnel?: Duplex;
}
