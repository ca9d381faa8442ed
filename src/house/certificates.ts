import { Acme } from '../certificates/acme/acme.ts';
import { readClientCertificate } from '../certificates/client-certificate.ts';
import type { ClientDemands } from '../certificates/client-demands.ts';
import { Keeper } from '../certificates/keeper.ts';
import type { RotationStep } from '../certificates/rotation/rotation.ts';
import { vouchingEntries } from '../certificates/vouching-entries.ts';
import type { Config, RouteConfig } from '../config/config.ts';
import { sameSettings } from '../lib/same-settings.ts';
import type { CertificatePicker } from '../listen/certificate-picker.ts';
import type { Audit } from '../observe/audit.ts';
import type { Foundation } from './foundation.ts';
import { RouteHosts } from './route-hosts.ts';

/** The certificates of one or more generations. */
export interface CertificateCellar {
  readonly keeper: Keeper;
  readonly acme: Acme;
  readonly config: Config;
  /** Names the routes of the running generation, whose hosts the certificates must cover. */
  follow(routes: readonly RouteConfig[]): void;
  close(): void;
}

/**
 * Opens the certificates of a configuration, or gives the present ones when nothing about them changed; files are
 * looked at anew in any case.
 *
 * @throws SP_CONFIG_INVALID with every problem
 */
export async function openCertificates(
  config: Config,
  foundation: Foundation,
  present: CertificateCellar | undefined,
): Promise<CertificateCellar> {
  if (present !== undefined && sameCertificates(config, present.config)) {
    await present.keeper.refresh();
    return present;
  }
  const { store, sealer, notices, roster, probe, clock, logger, metrics, dataFolder } = foundation;
  let hosts = new RouteHosts(config.routes);
  let open: Keeper | undefined;
  const planned = plannedNames(config);
  const namesOf = (name: string): readonly string[] => open?.pairOf(name)?.names ?? planned.get(name) ?? [];
  const keeper = await Keeper.open({
    configs: config.certificates,
    hostsOf: (name) => hosts.coveredBy(namesOf(name)),
    preset: config.listen.tls,
    defaultCertificate: config.listen.defaultCertificate,
    records: store.records,
    sealer,
    notices,
    fleet: { roster, leases: store.leases, probe },
    onStep: (step) => auditStep(step, foundation.audit),
    devFolder: dataFolder,
    clock,
    logger,
  });
  open = keeper;
  const bare = uncoveredHosts(config, keeper);
  if (bare.length > 0) {
    logger.warn(
      { hosts: bare },
      'no certificate covers these hosts: their handshakes fail until one is uploaded',
    );
  }
  const acme = new Acme({
    configs: config.certificates,
    keeper,
    hasRoute: (host) => hosts.serves(host),
    store,
    sealer,
    clock,
    logger,
    onOutcome: (outcome) => metrics.certificateOrder(outcome),
  });
  const close = (): void => {
    acme.close();
    keeper.close();
  };
  const follow = (routes: readonly RouteConfig[]): void => {
    hosts = new RouteHosts(routes);
  };
  return { keeper, acme, config, follow, close };
}

function auditStep(step: RotationStep, audit: Audit): void {
  const { certificate, fingerprint256, before, code, rotation, cause, processes, missing, problems } = step;
  audit.record({
    who: 'system',
    what: `rotation-${step.step}`,
    target: certificate,
    outcome: step.step === 'abandoned' ? 'failed' : 'done',
    code,
    before,
    after: fingerprint256,
    rotation,
    cause,
    processes,
    missing,
    problems,
  });
}

/** Hosts that routes name and for which a handshake can only fail. */
function uncoveredHosts({ routes, listen }: Config, keeper: Keeper): readonly string[] {
  if (listen.defaultCertificate !== undefined) return [];
  const named = new Set(routes.map(({ host }) => host).filter((host) => !host.includes('*')));
  return [...named].filter((host) => !keeper.covers(host));
}

/** Gives the names of certificates before they are made, by certificate. */
function plannedNames({ certificates }: Config): ReadonlyMap<string, readonly string[]> {
  return new Map(
    certificates.flatMap(({ name, source }) =>
      source.kind === 'dev' || source.kind === 'acme' ? [[name, source.names] as const] : [],
    ),
  );
}

function sameCertificates(a: Config, b: Config): boolean {
  return (
    sameSettings(a.certificates, b.certificates) &&
    sameSettings(devHosts(a), devHosts(b)) &&
    a.listen.tls === b.listen.tls &&
    a.listen.defaultCertificate === b.listen.defaultCertificate
  );
}

/** Hosts that dev certificates are made for beside their own names: clients refuse wildcards below a top-level name. */
function devHosts({ certificates, routes }: Config): readonly string[] {
  const hosts = new RouteHosts(routes);
  return certificates.flatMap(({ source }) => (source.kind === 'dev' ? hosts.coveredBy(source.names) : []));
}

/** Gives the certificates as handshakes see them, by name, or the default one; and what hosts want to see of their clients. */
export function certificatePicker(
  cellar: () => CertificateCellar,
  demands: () => ClientDemands,
  { probe, clock }: Pick<Foundation, 'probe' | 'clock'>,
): CertificatePicker {
  return {
    stagedFor: (socket) => probe.stagedFor(socket),
    find(serverName) {
      const { keeper, acme, config } = cellar();
      if (serverName !== undefined) {
        const found = keeper.find(serverName);
        if (found === undefined) acme.uncovered(serverName);
        return found;
      }
      const { defaultCertificate } = config.listen;
      return defaultCertificate === undefined ? undefined : keeper.byName(defaultCertificate);
    },
    nameless() {
      const { keeper, config } = cellar();
      const name = config.listen.defaultCertificate;
      const pair = name === undefined ? undefined : keeper.pairOf(name);
      return name === undefined || pair === undefined ? undefined : { name, ...pair };
    },
    demandsAny: () => !demands().none,
    isDemanded: (id) => demands().byId(id) !== undefined,
    demandOf: (serverName) => demands().of(serverName),
    readClient: readClientCertificate,
    vouchers: (sent, id) => vouchingEntries(sent, demands().byId(id)?.entries ?? [], clock()),
  };
}
