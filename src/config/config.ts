import type { MethodName } from '../exchange.ts';
import type { Secret } from '../lib/secret.ts';

/** The configuration as the house reads it: parsed once, units in the names, frozen. Input shapes live in `schema/`. */
export interface Config {
  readonly listen: ListenConfig;
  readonly state: StateConfig;
  readonly certificates: readonly CertificateConfig[];
  readonly authenticate: AuthenticateConfig;
  /** By name; an upstream that a route writes as a URL is listed under that URL. */
  readonly upstreams: ReadonlyMap<string, UpstreamConfig>;
  readonly routes: readonly RouteConfig[];
  readonly observe: ObserveConfig;
  /** Absolute paths of the files that the configuration was made from, its own first: what `watchFiles` looks at. Not those of certificates that are served. */
  readonly files: readonly string[];
}

export type Endpoint =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** `modern`: TLS 1.3 only. `intermediate`: TLS 1.2 (ECDHE, AEAD) and 1.3. */
export type TlsPreset = 'modern' | 'intermediate';

export interface ListenConfig {
  readonly https: readonly Endpoint[];
  readonly http: readonly Endpoint[];
  readonly admin: Endpoint;
  /** Name of the certificate of the admin endpoint; `undefined`: one signed by the dev CA. */
  readonly adminCertificate: string | undefined;
  /** Host names, beside loopback ones, under which the admin endpoint may be addressed. */
  readonly adminHosts: readonly string[];
  readonly trustedProxies: readonly string[];
  readonly defaultCertificate: string | undefined;
  readonly tls: TlsPreset;
  readonly limits: LimitsConfig;
  /** Longest wait for open exchanges on stop and reload. */
  readonly drainMs: number;
}

/** 0 switches a limit off. */
export interface LimitsConfig {
  readonly headerBytes: number;
  readonly headerCount: number;
  readonly urlBytes: number;
  readonly bodyBytes: number;
  readonly headerTimeoutMs: number;
  readonly bodyIdleMs: number;
  readonly keepAliveMs: number;
  readonly handshakeMs: number;
  readonly connectionsPerAddress: number;
  readonly streamsPerConnection: number;
}

export interface StateConfig {
  /** `file:PATH`, `redis://`, `rediss://`, `redis+sentinel://h1,h2/name`, `redis+cluster://h1,h2`. May hold a password: never logged. */
  readonly url: Secret;
  /** Key that seals secrets at rest, 32 bytes as base64 or hex; `undefined`: `keyFile`, made on first start. */
  readonly key: Secret | undefined;
  /** Absolute path of the key file. */
  readonly keyFile: string;
}

export interface CertificateConfig {
  /** Under which the admin endpoint rotates it. */
  readonly name: string;
  readonly tls: TlsPreset | undefined;
  readonly source:
    | { readonly kind: 'dev'; readonly names: readonly string[]; readonly keyType: 'ecdsa' | 'rsa' }
    | {
        readonly kind: 'files';
        readonly certificate: string;
        readonly key: string;
        readonly passphrase: Secret | undefined;
      }
    | { readonly kind: 'uploaded' }
    | AcmeSourceConfig;
}

/** A certificate that is ordered from an ACME server (RFC 8555). */
export interface AcmeSourceConfig {
  readonly kind: 'acme';
  /** Canonical host names, or `*.` and one; at least one. */
  readonly names: readonly string[];
  readonly email: string | undefined;
  /** Addresses of directories, tried in order; at least one, https. */
  readonly directories: readonly string[];
  /** Absolute path of the PEM file with the CAs of private servers; `undefined`: the system's. */
  readonly trust: string | undefined;
  readonly challenge: 'http-01' | 'tls-alpn-01' | 'dns-01';
  /** Program and arguments that set a TXT record; empty unless the challenge is `dns-01`. */
  readonly hook: readonly string[];
  /** Account at the CA's operator. */
  readonly eab: { readonly kid: string; readonly key: Secret } | undefined;
  readonly keyType: 'ecdsa' | 'rsa';
  /** Suffixes below which hosts get a certificate of their own when a client asks for them. */
  readonly onDemand: readonly string[];
}

export interface AuthenticateConfig {
  readonly token: readonly TokenIssuerConfig[];
  readonly basic: BasicConfig | undefined;
  readonly session: SessionConfig;
  /** Whether people sign in with a browser, which then holds a session cookie. */
  readonly signIn: boolean;
  /** OpenID providers, in the order in which the sign-in page offers them. */
  readonly oidc: readonly OidcProviderConfig[];
  /** `undefined`: app passwords are off. */
  readonly apiKey: ApiKeyConfig | undefined;
  /** Certificates that clients are asked for; no two name the same host. */
  readonly certificate: readonly ClientCertificateConfig[];
  /** Longest trust in a verified credential without asking the state again, milliseconds. */
  readonly cacheMs: number;
  /** Most verified credentials kept per process. */
  readonly cacheEntries: number;
  /** How long identities verified before the state went away are trusted under `storeDown: grace`. */
  readonly graceMs: number;
}

export interface TokenIssuerConfig {
  readonly issuer: string;
  readonly audience: readonly string[];
  readonly algorithms: readonly string[];
  readonly keys:
    | { readonly kind: 'jwks'; readonly url: string; readonly ca: string | undefined }
    | { readonly kind: 'file'; readonly path: string }
    | { readonly kind: 'secret'; readonly secret: Secret };
  /** Dotted claim paths. */
  readonly user: string;
  readonly groups: string | undefined;
  readonly email: string | undefined;
  readonly typ: string | undefined;
  readonly clockToleranceSec: number;
  readonly maxAgeSec: number | undefined;
  readonly requiredClaims: readonly string[];
  /** `required`: the token's `sid` must be a live session of the state. */
  readonly session: 'required' | 'optional';
}

export interface BasicConfig {
  readonly realm: string;
  /** Absolute path of an htpasswd file whose users are imported on start. */
  readonly htpasswd: string | undefined;
}

export interface SessionConfig {
  readonly idleMs: number;
  readonly absoluteMs: number;
  /** Age of the last proof after which a session goes on only when its holder proves anew who they are; 0: never. */
  readonly reauthMs: number;
}

export interface OidcProviderConfig {
  /** Part of the callback's path: `/.sallyport/callback/<name>`. */
  readonly name: string;
  /** https, or http on loopback. */
  readonly issuer: string;
  readonly clientId: string;
  /** `undefined`: a public client. */
  readonly clientSecret: Secret | undefined;
  /** `openid` among them. */
  readonly scopes: readonly string[];
  /** Dotted claim paths, looked up in the ID token, then in userinfo. */
  readonly user: string;
  readonly groups: string | undefined;
  readonly email: string;
  /** Lower-case; empty: any domain, and no email needed. */
  readonly allowedEmailDomains: readonly string[];
  /** On the button of the sign-in page. */
  readonly displayName: string;
  /** Path of the CA bundle that replaces the system's for this provider. */
  readonly ca: string | undefined;
  /** Time after which the provider is asked again about a user whose session is used; 0: never. */
  readonly refreshMs: number;
  /** Whether signing out here signs out at the provider, too. */
  readonly logout: 'provider' | 'local';
}

export interface ClientCertificateConfig {
  /** Unique. */
  readonly name: string;
  /** Absolute path of the PEM file with the authorities. */
  readonly ca: string;
  /** Absolute path of the PEM file with their revocation lists. */
  readonly crl: string | undefined;
  /** Canonical: exact names, `*.example.com` for one label, or `*`; empty when only routes name the entry. */
  readonly hosts: readonly string[];
  /** `require`: without a good one there is no connection to its hosts, and no way through routes that name it. */
  readonly mode: 'require' | 'optional';
  /** What of the certificate is the user's name. */
  readonly identity: 'subject-cn' | 'san-email' | 'san-dns' | 'san-uri' | 'fingerprint';
  /** Identity, or fingerprint in lower-case hex, -> user; `undefined`: the identity is the user. */
  readonly users: ReadonlyMap<string, string> | undefined;
  /** Of everybody who comes with such a certificate. */
  readonly groups: readonly string[];
}

export interface ApiKeyConfig {
  /** Longest life of an app password; 0: one may live for ever. */
  readonly maxLifeMs: number;
  /** Longest time since the owner last signed in at a provider; 0: not asked. */
  readonly confirmMs: number;
}

export interface UpstreamTarget {
  readonly protocol: 'http:' | 'https:';
  readonly host: string;
  readonly port: number;
  /** `host:port`, log field and metric label. */
  readonly address: string;
}

export interface UpstreamConfig {
  readonly name: string;
  /** `internal:whoami` gives the built-in upstream that answers with what it was sent. */
  readonly kind: 'http' | 'whoami';
  readonly targets: readonly UpstreamTarget[];
  readonly balance: 'round-robin';
  /** Path of the CA bundle that replaces the system's for this upstream. */
  readonly ca: string | undefined;
  /** Name that the upstream's certificate is checked against; default the target's host. */
  readonly serverName: string | undefined;
  /** `client`: the name the client asked for; `target`: the target's own. */
  readonly hostHeader: 'client' | 'target';
  readonly connectMs: number;
  readonly firstByteMs: number;
  readonly idleMs: number;
  readonly keepAliveMs: number;
  readonly connectionsPerTarget: number;
  readonly retries: number;
  /** Failures in a row after which a target rests, and for how long. 0 failures: never. */
  readonly ejectAfter: number;
  readonly ejectMs: number;
}

export interface AllowPolicy {
  readonly users?: readonly string[];
  readonly groups?: readonly string[];
  readonly emails?: readonly string[];
  /** Claim path -> accepted values. */
  readonly claims?: Readonly<Record<string, readonly string[]>>;
  readonly methods?: readonly string[];
  /** CIDRs of the client address. */
  readonly addresses?: readonly string[];
}

export interface RouteConfig {
  /** Host and path: `api.example.com/v1`. */
  readonly id: string;
  /** Exact name, `*.example.com` (one label) or `*`. */
  readonly host: string;
  /** Canonical prefix, starts with `/`, without trailing slash but for the root. */
  readonly path: string;
  /** Key into `Config.upstreams`. */
  readonly upstream: string;
  readonly public: boolean;
  /** Methods in the order in which they are asked; empty only on a public route. */
  readonly accept: readonly MethodName[];
  /** Names of the entries of `authenticate.certificate` that count; `undefined`: the one that covers the host. */
  readonly clientCertificate: readonly string[] | undefined;
  /** `undefined` admits nobody. */
  readonly allow: 'authenticated' | AllowPolicy | undefined;
  readonly storeDown: 'closed' | 'grace' | 'open-to-known';
  readonly passCredential: boolean;
  /** Removes `path` from the front before forwarding. */
  readonly stripPath: boolean;
  readonly bodyBytes: number;
  /** Longest silence on a tunnel or stream, milliseconds; 0 for none. */
  readonly streamIdleMs: number;
  /** Audience of the assertion; default the upstream's name. */
  readonly audience: string;
  /** WebSocket upgrades: `same` demands an Origin of this host, `any` does not ask. */
  readonly origins: readonly string[] | 'same' | 'any';
  /** Whether the session must have shown a second factor. */
  readonly secondFactor: 'required' | 'not-asked';
  /** Longest time since a person proved who they are, milliseconds; `undefined`: not asked. */
  readonly maxAgeMs: number | undefined;
  /** Longest time since a person proved who they are, asked only of sessions, milliseconds; 0: not asked. */
  readonly reauthMs: number;
  /** Origins whose pages may read the answers that the gateway itself makes, preflights included. */
  readonly cors: readonly string[];
  /** What somebody unknown gets: `auto` tells pages from programs, `redirect` always the sign-in page, `refuse` always a 401. */
  readonly signIn: 'auto' | 'redirect' | 'refuse';
}

export interface ObserveConfig {
  readonly accessLog: boolean;
  readonly level: 'debug' | 'info' | 'warn' | 'error' | 'silent';
  /** `undefined`: nobody is told of certificates. */
  readonly webhook: WebhookConfig | undefined;
}

/** Where notices about certificates are sent. */
export interface WebhookConfig {
  /** https, or http on loopback; without user, password and fragment. Often holds a token: never logged. */
  readonly url: Secret;
  /** Key of the signature; `undefined`: nothing is signed. */
  readonly secret: Secret | undefined;
  /** Absolute path of the PEM file with the CAs of a private receiver; `undefined`: the system's. */
  readonly trust: string | undefined;
  /** How long before its end a certificate is told of, milliseconds; at least one, the longest first. */
  readonly expiryMs: readonly number[];
}

export interface ConfigProblem {
  readonly file: string;
  /** 1-based; `undefined` when the problem has no place in the file. */
  readonly line: number | undefined;
  readonly column: number | undefined;
  /** Dotted path of the key, e.g. `routes[0].upstream`. */
  readonly path: string;
  readonly message: string;
  readonly hint: string | undefined;
  readonly severity: 'error' | 'warning';
}
