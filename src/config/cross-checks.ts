import type {
  CertificateConfig,
  ClientCertificateConfig,
  ListenConfig,
  RouteConfig,
  TokenIssuerConfig,
} from './config.ts';
import { checkCertificates } from './cross-checks/certificates.ts';
import { checkClientCertificates } from './cross-checks/client-certificates.ts';
import { checkListen } from './cross-checks/listen.ts';
import { checkRoutes } from './cross-checks/routes.ts';
import { checkTokenIssuers } from './cross-checks/token-issuers.ts';
import { checkUpstreams } from './cross-checks/upstreams.ts';
import type { Placed } from './key-path.ts';
import type { ResolveContext } from './resolve-context.ts';

/** What could be resolved; parts that are wrong by themselves are left out. */
export interface Draft {
  readonly listen: ListenConfig | undefined;
  readonly certificates: readonly Placed<CertificateConfig>[];
  readonly issuers: readonly Placed<TokenIssuerConfig>[];
  readonly clientCertificates: readonly Placed<ClientCertificateConfig>[];
  readonly routes: readonly Placed<RouteConfig>[];
  /** All that are written, also those that are wrong. */
  readonly upstreamNames: ReadonlySet<string>;
  /** The document as written. */
  readonly input: Readonly<Record<string, unknown>>;
}

/** Notes what is wrong between sections that are sound by themselves. */
export function crossCheck(draft: Draft, context: ResolveContext): void {
  if (draft.listen !== undefined) checkListen(draft.listen, context);
  checkCertificates(draft, context);
  checkTokenIssuers(draft.issuers, context);
  checkClientCertificates(draft, context);
  checkUpstreams(draft, context);
  checkRoutes(draft, context);
}
