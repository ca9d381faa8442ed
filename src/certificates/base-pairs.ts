import type { CertificateConfig } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/logger.ts';
import { type CertificatePair, checkPair } from './certificate.ts';
import { type DevCa, loadOrMakeDevCa } from './dev-ca.ts';
import { devNames, loadOrMakeDevLeaf } from './dev-leaf.ts';
import { readFiles } from './files.ts';
import { type Problem, problem, sentences, weigh } from './problem.ts';

/** The pair that the configuration itself gives a certificate, before any upload. */
export interface BasePair {
  readonly pair: CertificatePair | undefined;
  /** Why it cannot be served. */
  readonly problems: readonly Problem[];
  /** Of the files as they were read. */
  readonly stamp: string;
}

type DevSource = Extract<CertificateConfig['source'], { readonly kind: 'dev' }>;

/** What loading the configured pairs needs. */
export interface BaseOptions {
  readonly hostsOf: (name: string) => readonly string[];
  /** Where the dev CA and its leaves are kept. */
  readonly devFolder: string;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How many pairs are read at a time. */
const AT_ONCE = 32;

/** Gives the dev certificate of a name, made anew when it is due or its names changed. */
export async function loadDev(
  name: string,
  source: DevSource,
  options: Pick<BaseOptions, 'hostsOf' | 'devFolder'>,
  ca: DevCa,
): Promise<CertificatePair> {
  const names = devNames(source.names, options.hostsOf(name));
  return await loadOrMakeDevLeaf({ folder: options.devFolder, name, names, keyType: source.keyType }, ca);
}

async function loadBase(
  config: CertificateConfig,
  options: BaseOptions,
  ca: DevCa | undefined,
): Promise<BasePair> {
  const { name, source } = config;
  if (source.kind === 'uploaded' || source.kind === 'acme')
    return { pair: undefined, problems: [], stamp: '' };
  if (source.kind === 'dev') {
    if (ca === undefined) throw new Error('no dev CA');
    return { pair: await loadDev(config.name, source, options, ca), problems: [], stamp: '' };
  }
  const reading = await readFiles(source);
  const verdict = checkPair(reading, { hosts: options.hostsOf(name), now: options.clock() });
  const { fatal, told } = weigh(verdict.problems);
  const about = sentences([...told, ...verdict.warnings]);
  if (about.length > 0)
    options.logger.warn({ certificate: name, problems: about }, 'a certificate needs attention');
  if (fatal.length > 0 || verdict.pair === undefined) {
    return {
      pair: undefined,
      problems: [...fatal, ...(fatal.length > 0 ? [] : [problem('unusable', 'The pair cannot be used.')])],
      stamp: reading.stamp,
    };
  }
  return { pair: verdict.pair, problems: [], stamp: reading.stamp };
}

/** Gives the dev CA if any certificate needs one, made on first use. */
export async function devCaFor(
  configs: readonly CertificateConfig[],
  options: BaseOptions,
): Promise<DevCa | undefined> {
  const wanted = configs.some(({ source }) => source.kind === 'dev');
  return wanted ? await loadOrMakeDevCa(options.devFolder, options.clock) : undefined;
}

/**
 * Gives what the configuration gives each certificate, by name. A host that one of them names in full is left to it by
 * the dev certificates.
 */
export async function loadBases(
  configs: readonly CertificateConfig[],
  options: BaseOptions,
  ca: DevCa | undefined,
): Promise<ReadonlyMap<string, BasePair>> {
  const bases = new Map<string, BasePair>();
  const named = new Set<string>();
  for (const { source } of configs)
    if (source.kind === 'dev') for (const name of source.names) named.add(name);
  const own = configs.filter(({ source }) => source.kind !== 'dev');
  await loadAll(own, options, { ca, bases });
  for (const { pair } of bases.values()) for (const name of pair?.names ?? []) named.add(name);
  const hostsOf = (name: string): readonly string[] =>
    options.hostsOf(name).filter((host) => !named.has(host));
  const dev = configs.filter(({ source }) => source.kind === 'dev');
  await loadAll(dev, { ...options, hostsOf }, { ca, bases });
  return bases;
}

async function loadAll(
  configs: readonly CertificateConfig[],
  options: BaseOptions,
  { ca, bases }: { readonly ca: DevCa | undefined; readonly bases: Map<string, BasePair> },
): Promise<void> {
  for (let start = 0; start < configs.length; start += AT_ONCE) {
    const some = configs.slice(start, start + AT_ONCE);
    const loaded = await Promise.all(
      some.map(async (config) => [config.name, await loadBase(config, options, ca)] as const),
    );
    for (const [name, base] of loaded) bases.set(name, base);
  }
}
