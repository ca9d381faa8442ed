import type { AccountView } from '../accounts/accounts.ts';
import type { ApiKeyView } from '../api-keys/api-key.ts';
import type { CertificateDetail } from '../certificates/certificate-detail.ts';
import type { RotationResult } from '../certificates/certificate-view.ts';
import type { ListedCertificate } from '../certificates/listed-certificate.ts';
import type { AuditEntry, AuditRecord } from '../observe/audit.ts';
import type { SessionView } from '../sessions/sessions.ts';
import type { StoreHealth } from '../state/store.ts';
import type { StreamView } from '../streams/open-stream.ts';

/** What the admin API may see and do; `gateway.ts` implements it, so that the API never reaches into a room. */
export interface GatewayView {
  readonly certificates: {
    list(): readonly ListedCertificate[];
    /** @throws SP_CERTIFICATE_UNKNOWN */
    find(name: string): CertificateDetail;
    rotate(name: string, upload: CertificateUpload): Promise<RotationResult>;
    rollback(name: string): Promise<RotationResult>;
    remove(name: string): Promise<void>;
  };
  readonly accounts: {
    list(): Promise<readonly AccountView[]>;
    put(
      name: string,
      account: { readonly password?: string; readonly groups?: readonly string[]; readonly email?: string },
    ): Promise<AccountView>;
    /** @returns whether the account existed */
    remove(name: string): Promise<boolean>;
    /** Removes every second factor of a user and ends their sessions. @returns whether there was any */
    resetSecondFactors(name: string): Promise<boolean>;
  };
  readonly apiKeys: {
    list(owner: string | undefined): Promise<readonly FlatApiKey[]>;
    /** Makes an app password for an account; `key` is shown this once. */
    create(order: ApiKeyOrder): Promise<FlatApiKey & { readonly key: string }>;
    revoke(id: string): Promise<boolean>;
  };
  readonly sessions: {
    list(user: string | undefined): Promise<readonly SessionView[]>;
    revoke(id: string): Promise<boolean>;
    /**
     * @param alsoKeys - ends the app passwords of the user as well
     * @returns how many sessions ended
     */
    revokeAll(user: string, alsoKeys: boolean): Promise<number>;
  };
  /** Revokes one token by `jti`, or every token of a subject issued before a time (seconds since the epoch; absent: all that there are). */
  revokeTokens(
    order: { readonly jti: string } | { readonly subject: string; readonly beforeSec: number | undefined },
  ): Promise<void>;
  /** Answers of the answering process that are under way: WebSockets, event streams, whatever takes longer than a second. */
  readonly streams: {
    list(): readonly StreamView[];
    /** @returns whether it was open */
    cut(id: string): boolean;
  };
  readonly audit: {
    /** Gives entries, the newest first; `after` is the id of the one before. */
    list(limit: number, after: string | undefined): Promise<readonly AuditRecord[]>;
    /** Takes an entry; never fails. */
    record(entry: AuditEntry): void;
  };
  routes(): readonly RouteView[];
  upstreams(): readonly UpstreamView[];
  /** Metrics in the Prometheus text format. */
  metrics(): Promise<string>;
  readiness(): Readiness;
  /** Builds the house anew from the config file; @throws SP_CONFIG_INVALID and leaves the running one */
  reload(): Promise<{ readonly generation: number }>;
  /** Issues a session-bound token for a subject, for scripts and tests. */
  issueToken(order: {
    readonly subject: string;
    readonly groups: readonly string[];
    readonly ttlSec: number;
  }): Promise<IssuedToken>;
}

export interface ApiKeyOrder {
  /** Name of an account, in any spelling. */
  readonly owner: string;
  readonly name: string;
  readonly routes?: readonly string[];
  readonly methods?: readonly string[];
  readonly addresses?: readonly string[];
  /** Seconds; absent: the longest that the configuration allows. */
  readonly lifeSec?: number;
}

/** An app password with its bounds as fields of its own. */
export type FlatApiKey = Omit<ApiKeyView, 'bounds'> & ApiKeyView['bounds'];

export type CertificateUpload =
  | { readonly certificate: string; readonly key: string; readonly passphrase?: string }
  | { readonly pkcs12: string; readonly passphrase?: string };

export interface RouteView {
  readonly id: string;
  readonly host: string;
  readonly path: string;
  readonly upstream: string;
  readonly public: boolean;
  readonly accept: readonly string[];
  readonly allow: unknown;
}

export interface UpstreamView {
  readonly name: string;
  readonly targets: readonly {
    readonly address: string;
    readonly healthy: boolean;
    readonly active: number;
    readonly idle: number;
  }[];
}

export interface Readiness {
  readonly ready: boolean;
  readonly generation: number;
  readonly state: StoreHealth;
  /** Why it is not ready, or what the operator should know, e.g. that the last reload failed. */
  readonly notes: readonly string[];
}

/** As `POST /.sallyport/token` and `sallyport token issue` give it (RFC 6749 §5.1). */
export interface IssuedToken {
  readonly access_token: string;
  readonly token_type: 'Bearer';
  readonly expires_in: number;
  readonly session_id: string;
}
