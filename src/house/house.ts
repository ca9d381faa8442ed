import { readFile } from 'node:fs/promises';
import { canonicalName } from '../accounts/account-name.ts';
import { looksLikeKey } from '../api-keys/key-text.ts';
import { makeApiKeyMethod } from '../authenticate/api-key.ts';
import { makeAuthenticate } from '../authenticate/authenticate.ts';
import { makeBasicMethod } from '../authenticate/basic.ts';
import { makeCertificateMethod } from '../authenticate/certificate.ts';
import { type CertificateJudge, makeCertificateOf } from '../authenticate/counting-entry.ts';
import { loadTokenIssuer } from '../authenticate/load-token-issuer.ts';
import type { Method } from '../authenticate/method.ts';
import { makeSessionMethod } from '../authenticate/session.ts';
import { makeTokenMethod } from '../authenticate/token.ts';
import type { TokenIssuer } from '../authenticate/token-issuer.ts';
import { makeAuthorize } from '../authorize/authorize.ts';
import { ClientDemands } from '../certificates/client-demands.ts';
import { askedHosts } from '../config/asked-hosts.ts';
import type { Config, RouteConfig, TokenIssuerConfig } from '../config/config.ts';
import { asGatewayError, GatewayError } from '../errors.ts';
import type { Admitted, MethodName } from '../exchange.ts';
import { INTERNAL_UPSTREAM, makeForward } from '../forward/forward.ts';
import { reservedNames } from '../forward/reserved-names.ts';
import { Upstream } from '../forward/upstream.ts';
import { compileIpRanges } from '../lib/ip-range.ts';
import { sameSettings } from '../lib/same-settings.ts';
import { tlsPolicyId } from '../listen/certificate-picker.ts';
import { handle, type Rooms } from '../pipeline.ts';
import { compileRoutes, type RouteTable } from '../route/compile-routes.ts';
import { makeRoute } from '../route/match-route.ts';
import { makeInternalPages } from '../sign-in/internal-pages.ts';
import { internalRoutes } from '../sign-in/internal-routes.ts';
import { machinePages } from '../sign-in/machine-pages.ts';
import { Oidc } from '../sign-in/oidc/oidc.ts';
import type { PageRow } from '../sign-in/page.ts';
import { SESSION_COOKIE } from '../sign-in/session-cookie.ts';
import { exchangeToken } from './exchange-token.ts';
import type { Foundation } from './foundation.ts';
import { furnishPeople } from './people.ts';
import { vouchedSessions } from './vouched-sessions.ts';

/** One generation of the configuration, furnished: immutable, and swapped whole. */
export interface House {
  readonly generation: number;
  readonly config: Config;
  readonly rooms: Rooms;
  readonly table: RouteTable;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly issuers: readonly Issuer[];
  readonly oidc: Oidc;
  /** What hosts want to see of their clients. */
  readonly demands: ClientDemands;
  readonly trusted: (address: string) => boolean;
}

interface Issuer {
  readonly config: TokenIssuerConfig;
  /** Text of the file that its keys, or the authority of their publisher, are read from. */
  readonly fileText: string | undefined;
  readonly issuer: TokenIssuer;
}

/** What a new generation takes over from the present one where its configuration did not change. */
export interface Predecessor {
  readonly generation: number;
  readonly upstreams: ReadonlyMap<string, Upstream>;
  readonly issuers: readonly Issuer[];
  readonly oidc: Oidc;
}

/**
 * Builds the next generation of the house; the present one is not touched.
 *
 * @param policyOf - id of the TLS policy under which a host shows its certificate
 * @throws SP_CONFIG_INVALID when a key, a CA or a policy cannot be used; what was built by then is released
 */
export async function furnish(
  config: Config,
  foundation: Foundation,
  policyOf: (host: string) => string,
  before: Predecessor | undefined,
): Promise<House> {
  const built: { close(): void }[] = [];
  try {
    const issuers = await issuersOf(config, foundation, before, built);
    const upstreams = upstreamsOf(config, foundation, before, built);
    const oidc = new Oidc({ ...foundation, configs: config.authenticate.oidc, before: before?.oidc });
    built.push({ close: () => oidc.close(before?.oidc) });
    const { certificate } = config.authenticate;
    const demands = await ClientDemands.load(
      certificate,
      askedHosts(certificate, config.routes),
      foundation.clock,
    );
    const judge: CertificateJudge = { demandOf: (id) => demands.byId(id), clock: foundation.clock };
    const methods = [
      ...methodsOf(config, foundation, issuers, oidc),
      ...(demands.none ? [] : [makeCertificateMethod(judge)]),
    ];
    // Every session of a provider is a session: the gateway's own pages need not ask twice.
    const names = methods.map((method) => method.name).filter((name) => name !== 'oidc');
    const table = compileRoutes(config.routes, (host) => internalRoutes(host, INTERNAL_UPSTREAM, names));
    const authenticate = makeAuthenticate(methods, foundation.cache, {
      now: () => performance.now(),
      certificateOf: makeCertificateOf(judge),
    });
    const people = furnishPeople({
      config,
      foundation,
      table,
      oidc,
      walk: (arrived) => handle(rooms, arrived),
    });
    const rooms: Rooms = {
      route: makeRoute(table, (host) => tlsPolicyId(policyOf(host), demands.of(host)?.id)),
      authenticate,
      authorize: makeAuthorize(table.routes, foundation.clock, (route, host) =>
        needsCertificate(demands, route, host),
      ),
      forward: makeForward({
        upstreams,
        rules: {
          reserved: reservedNames(),
          sessionCookie: SESSION_COOKIE,
          assertion: (admitted, path) => assertionFor(admitted, path, foundation),
        },
        internal: await internalPages(foundation, people.pages),
      }),
      turnAway: people.turnAway,
    };
    return {
      generation: (before?.generation ?? 0) + 1,
      config,
      rooms,
      table,
      upstreams,
      issuers,
      oidc,
      demands,
      trusted: compileIpRanges(config.listen.trustedProxies),
    };
  } catch (error) {
    for (const part of built) part.close();
    throw asGatewayError(error);
  }
}

/** Tells whether two generations take the same word for who somebody is: what the one verified, the other need not again. */
export function vouchesAlike(a: House, b: House): boolean {
  return (
    sameSettings(a.config.authenticate, b.config.authenticate) &&
    a.demands.ids === b.demands.ids &&
    a.issuers.every(({ issuer }, index) => issuer === b.issuers[index]?.issuer)
  );
}

/** Releases what the house does not share with its successor; running exchanges end first. */
export function retire(house: House, successor: Predecessor | undefined): void {
  for (const [name, upstream] of house.upstreams) {
    if (successor?.upstreams.get(name) !== upstream) upstream.close();
  }
  for (const { issuer } of house.issuers) {
    if (!successor?.issuers.some((kept) => kept.issuer === issuer)) issuer.close();
  }
  house.oidc.close(successor?.oidc);
}

async function issuersOf(
  config: Config,
  { clock, logger }: Foundation,
  before: Predecessor | undefined,
  built: { close(): void }[],
): Promise<Issuer[]> {
  const issuers: Issuer[] = [];
  for (const wanted of config.authenticate.token) {
    const fileText = await readIssuerFile(wanted);
    const kept = before?.issuers.find(
      (known) => known.fileText === fileText && sameSettings(known.config, wanted),
    );
    const issuer = kept?.issuer ?? (await loadTokenIssuer(wanted, clock, logger));
    if (kept === undefined) built.push(issuer);
    issuers.push({ config: wanted, fileText, issuer });
  }
  return issuers;
}

/** Gives `undefined` also for a file that cannot be read: loading the issuer says so. */
async function readIssuerFile({ keys }: TokenIssuerConfig): Promise<string | undefined> {
  const file = keys.kind === 'file' ? keys.path : keys.kind === 'jwks' ? keys.ca : undefined;
  return file === undefined ? undefined : await readFile(file, 'utf8').catch(() => undefined);
}

function upstreamsOf(
  config: Config,
  { coarse }: Foundation,
  before: Predecessor | undefined,
  built: { close(): void }[],
): ReadonlyMap<string, Upstream> {
  const upstreams = new Map<string, Upstream>();
  for (const [name, wanted] of config.upstreams) {
    const known = before?.upstreams.get(name);
    if (known !== undefined && wanted.ca === undefined && sameSettings(known.config, wanted)) {
      upstreams.set(name, known);
    } else {
      const upstream = new Upstream(wanted, coarse);
      built.push(upstream);
      upstreams.set(name, upstream);
    }
  }
  return upstreams;
}

function methodsOf(
  config: Config,
  foundation: Foundation,
  issuers: readonly Issuer[],
  oidc: Oidc,
): readonly Method[] {
  const { sessions, revocations, accounts, failures, apiKeys, clock, ownTokens } = foundation;
  const realm = config.authenticate.basic?.realm ?? 'Sallyport';
  const methods = new Map<MethodName, Method>();
  methods.set(
    'token',
    makeTokenMethod({
      issuers: [...issuers.map(({ issuer }) => issuer), ownTokens.issuer],
      realm,
      sessions,
      isRevoked: (token) => {
        // Started without the state: whether it was revoked before is not known, and not known is not no.
        if (!revocations.ready)
          throw new GatewayError('SP_STATE_UNREACHABLE', { reason: 'revocations-unknown' });
        return revocations.isRevoked(token);
      },
    }),
  );
  if (config.authenticate.apiKey !== undefined) {
    methods.set('apiKey', makeApiKeyMethod({ realm, apiKeys, looksLikeKey, failures }));
  }
  if (config.authenticate.basic !== undefined) {
    methods.set('basic', makeBasicMethod({ realm, accounts, canonicalName, failures, clock }));
  }
  if (config.authenticate.signIn) {
    const vouched = vouchedSessions(sessions, oidc.refresher);
    for (const name of ['session', 'oidc'] as const) {
      methods.set(name, makeSessionMethod({ name, cookie: SESSION_COOKIE, sessions: vouched }));
    }
  }
  return [...methods.values()];
}

/** The gateway's own pages are there for whoever could connect: without them nobody could sign in beside a certificate. */
function needsCertificate(demands: ClientDemands, route: RouteConfig, host: string): boolean {
  return route.upstream !== INTERNAL_UPSTREAM && demands.requires(route.clientCertificate, host);
}

function assertionFor(
  { identity, route, arrived }: Admitted,
  path: string,
  { assertions }: Foundation,
): string | undefined {
  if (identity === null) return undefined;
  const { method } = arrived.request;
  return assertions.sign({ identity, audience: route.config.audience, method, path });
}

function internalPages(
  foundation: Foundation,
  people: readonly PageRow[],
): ReturnType<typeof makeInternalPages> {
  const machines = machinePages({
    jwks: () => foundation.ownKeys.jwks(),
    issueToken: (_identity, admitted) => exchangeToken(foundation, admitted),
  });
  return makeInternalPages([...machines, ...people]);
}
