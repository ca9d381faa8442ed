import { isDeepStrictEqual } from 'node:util';
import { Keeper } from '../certificates/keeper.ts';
import type { Config, RouteConfig } from '../config/config.ts';
import type { CertificatePicker } from '../listen/tls-server.ts';
import type { Foundation } from './foundation.ts';
import { servedHosts } from './served-hosts.ts';

/** The certificates of one or more generations. */
export interface CertificateCellar {
  readonly keeper: Keeper;
  readonly config: Config;
  /** The routes whose hosts the certificates must cover; follows the running generation. */
  routes: readonly RouteConfig[];
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
  const { store, sealer, notices, clock, logger, dataFolder } = foundation;
  const scope = { routes: config.routes };
  let open: Keeper | undefined;
  const namesOf = (name: string): readonly string[] =>
    open?.list().find((certificate) => certificate.name === name)?.names ?? [];
  const keeper = await Keeper.open({
    configs: config.certificates,
    hostsOf: (name) => servedHosts(scope.routes, namesOf(name)),
    preset: config.listen.tls,
    defaultCertificate: config.listen.defaultCertificate,
    records: store.records,
    sealer,
    notices,
    devFolder: dataFolder,
    clock,
    logger,
  });
  open = keeper;
  return Object.assign(scope, { keeper, config });
}

function sameCertificates(a: Config, b: Config): boolean {
  return (
    isDeepStrictEqual(a.certificates, b.certificates) &&
    a.listen.tls === b.listen.tls &&
    a.listen.defaultCertificate === b.listen.defaultCertificate
  );
}

/** Gives the certificates as handshakes see them: by name, or the default one. */
export function certificatePicker(cellar: () => CertificateCellar): CertificatePicker {
  return {
    find(serverName) {
      const { keeper, config } = cellar();
      if (serverName !== undefined) return keeper.find(serverName);
      const { defaultCertificate } = config.listen;
      return defaultCertificate === undefined ? undefined : keeper.byName(defaultCertificate);
    },
  };
}
