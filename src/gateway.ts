/**
 * Builds the house from a configuration, runs it, swaps it for the next generation, closes it.
 */
import { join, resolve } from 'node:path';
import type { Teller } from './certificates/webhook/teller.ts';
import type { Config } from './config/config.ts';
import { DEMONSTRATION } from './config/demonstration.ts';
import { type Environment, formatProblem, parseConfig, readConfig } from './config/load.ts';
import { watchFiles } from './config/watch.ts';
import { asGatewayError, GatewayError } from './errors.ts';
import { type AdminDoor, openAdmin } from './house/admin-door.ts';
import { type CertificateCellar, certificatePicker, openCertificates } from './house/certificates.ts';
import { clientNotes } from './house/client-notes.ts';
import { demonstrationAccount } from './house/demonstration-account.ts';
import { type Doors, openDoors } from './house/doors.ts';
import { type Foundation, layFoundation } from './house/foundation.ts';
import { furnish, type House, retire, vouchesAlike } from './house/house.ts';
import { importAccounts, readAccountFile } from './house/import-accounts.ts';
import { restartNotes } from './house/restart-notes.ts';
import { sharedRoutes, watchStreams } from './house/streams.ts';
import { makeTeller } from './house/teller.ts';
import { makeView } from './house/view.ts';
import { systemClock } from './lib/clock.ts';
import type { Corridor } from './listen/arrive.ts';
import { type LogSink, makeLogSink } from './observe/log-sink.ts';
import { type LeveledLogger, makeLogger } from './observe/logger.ts';
import { makeMetrics } from './observe/metrics.ts';
import { makeRecorder } from './observe/recorder.ts';
import { decide, serve, type Watch } from './pipeline.ts';
import { servesHost } from './route/match-route.ts';
import type { OpenStreams } from './streams/open-streams.ts';

/** What a process gives its gateway. */
export interface GatewayOptions {
  /** `undefined` runs the demonstration. */
  readonly configFile: string | undefined;
  readonly dataFolder: string;
  readonly env: Environment;
  /** Tells the person who starts it something; one line without line feed. */
  readonly print: (line: string) => void;
  /** Open file descriptor that takes log and access log; default stdout. */
  readonly logFd?: number;
}

/** A gateway that runs. */
export interface RunningGateway {
  /** Builds the next generation and swaps it in. @throws SP_CONFIG_INVALID and leaves the running one */
  reload(): Promise<{ readonly generation: number }>;
  /** Drains within the configured bound, then ends everything. */
  close(): Promise<void>;
  readonly urls: { readonly https: readonly string[]; readonly admin: string };
  readonly demonstration: { readonly user: string; readonly password: string } | undefined;
}

/**
 * Starts the gateway.
 *
 * @throws SP_CONFIG_INVALID with every problem, SP_STATE_UNREACHABLE, SP_STATE_KEY, or the system's error when an
 * endpoint cannot be had; whatever was opened by then is closed again
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  const config = configOf(options);
  const metrics = makeMetrics();
  const sink = makeLogSink({ fd: options.logFd ?? 1, onDropped: (lines) => metrics.accessLogDropped(lines) });
  const logger = makeLogger({ level: config.observe.level, destination: sink });
  const dataFolder = resolve(options.dataFolder);
  const parts = { config, dataFolder, clock: systemClock, logger, sink, metrics };
  const foundation = await layFoundation(parts).catch(async (error: unknown) => {
    await sink.close();
    throw error;
  });
  const gateway = new Gateway(options, foundation, { sink, logger });
  try {
    await gateway.open(config);
    return {
      reload: () => gateway.reload(),
      close: () => gateway.close(),
      urls: gateway.urls,
      demonstration: gateway.demonstration,
    };
  } catch (error) {
    await gateway.close();
    throw error;
  }
}

function configOf({ configFile, dataFolder, env, print }: GatewayOptions): Config {
  const { config, problems } =
    configFile === undefined
      ? parseConfig(DEMONSTRATION, { file: join(resolve(dataFolder), '..', 'demonstration.yaml'), env })
      : readConfig(configFile, env);
  const told = problems.map(formatProblem);
  if (config === undefined) {
    throw new GatewayError('SP_CONFIG_INVALID', {
      detail: `${configFile ?? 'the demonstration'} has errors`,
      reason: 'config',
      problems: told,
    });
  }
  for (const line of told) print(line);
  return config;
}

class Gateway {
  readonly #options: GatewayOptions;
  readonly #foundation: Foundation;
  readonly #streams: OpenStreams;
  readonly #teller: Teller;
  readonly #log: { readonly sink: LogSink; readonly logger: LeveledLogger };
  #started: Config | undefined;
  #house: House | undefined;
  #cellar: CertificateCellar | undefined;
  #doors: Doors | undefined;
  #admin: AdminDoor | undefined;
  #corridor: Corridor | undefined;
  #notes: readonly string[] = [];
  #stopWatching: () => void = () => {};
  #stopImporting: () => void = () => {};
  #turn: Promise<unknown> = Promise.resolve();
  #closing: Promise<void> | undefined;
  demonstration: RunningGateway['demonstration'];

  constructor(
    options: GatewayOptions,
    foundation: Foundation,
    log: { readonly sink: LogSink; readonly logger: LeveledLogger },
  ) {
    this.#options = options;
    this.#foundation = foundation;
    this.#log = log;
    this.#streams = watchStreams(foundation, async (arrived) =>
      // The record of the exchange stays as it was when it was admitted.
      decide(present(this.#house).rooms, { ...arrived, record: { ...arrived.record } }),
    );
    let passed = 0;
    foundation.coarse.onTick(() => {
      const now = this.#house?.demands.passed ?? 0;
      // An authority of clients has ended, or a list of theirs is out of date.
      if (now !== passed) this.#streams.doubtAll();
      passed = now;
    });
    this.#teller = makeTeller(foundation, {
      config: () => present(this.#house).config,
      cellar: () => present(this.#cellar),
    });
  }

  get urls(): RunningGateway['urls'] {
    return { https: this.#doors?.https ?? [], admin: this.#admin?.url ?? '' };
  }

  async open(config: Config): Promise<void> {
    this.#started = config;
    await this.#move(config);
    if (this.#options.configFile === undefined) {
      this.demonstration = await demonstrationAccount(this.#foundation);
    }
    this.#doors = await openDoors({
      config,
      corridor: () => present(this.#corridor),
      certificates: certificatePicker(
        () => present(this.#cellar),
        () => present(this.#house).demands,
        this.#foundation,
      ),
      challenges: () => this.#cellar?.acme.board,
      ticketKeys: this.#foundation.ticketKeys,
      metrics: this.#foundation.metrics,
      securityLog: this.#foundation.securityLog,
      onSample: (sample) => this.#cellar?.keeper.sampleHandshake(sample),
      serves: (host) => servesHost(present(this.#house).table, host),
    });
    // From here on it answers to rotations that others lead.
    this.#foundation.probe.attach(this.#doors.endpoints);
    await this.#foundation.roster.start();
    const view = makeView({
      foundation: this.#foundation,
      streams: this.#streams,
      house: () => present(this.#house),
      keeper: () => present(this.#cellar).keeper,
      notes: () => [...this.#notes, ...present(this.#cellar).acme.notes()],
      stopping: () => this.#closing !== undefined,
      reload: () => this.reload(),
    });
    this.#admin = await openAdmin(config, this.#foundation, view, {
      env: this.#options.env,
      cellar: () => present(this.#cellar),
    });
    present(this.#cellar).acme.start();
    this.#teller.start();
    const { https, admin } = this.urls;
    this.#foundation.logger.info({ https, admin }, 'the gateway is open');
  }

  reload(): Promise<{ readonly generation: number }> {
    const next = this.#turn.then(() => this.#reload());
    this.#turn = next.catch(() => {});
    return next;
  }

  async #reload(): Promise<{ readonly generation: number }> {
    const { logger, metrics } = this.#foundation;
    const running = present(this.#house);
    if (this.#closing !== undefined) throw new GatewayError('SP_LISTEN_STOPPING');
    try {
      const config = configOf(this.#options);
      await this.#move(config);
      const { generation } = present(this.#house);
      logger.info({ generation, notes: this.#notes }, 'the configuration was reloaded');
      return { generation };
    } catch (thrown) {
      const failure = asGatewayError(thrown);
      this.#notes = failureNotes(failure);
      metrics.configLoaded(running.generation, false);
      logger.error(
        { code: failure.code, problems: failure.problems, detail: failure.detail },
        'the reload failed; the running configuration goes on',
      );
      throw failure;
    }
  }

  /** Builds everything new first; only then swaps, in one synchronous step, and lets the old drain. */
  async #move(config: Config): Promise<void> {
    const before = this.#house;
    const cellarBefore = this.#cellar;
    const accountFile = await readAccountFile(config);
    const cellar = await openCertificates(config, this.#foundation, cellarBefore);
    let house: House;
    try {
      house = await furnish(config, this.#foundation, (host) => cellar.keeper.policyOf(host), before);
    } catch (error) {
      if (cellar !== cellarBefore) cellar.close();
      throw error;
    }
    cellar.follow(config.routes);
    this.#cellar = cellar;
    this.#house = house;
    this.#corridor = this.#corridorOf(house);
    this.#adjust(config);
    this.#notes = restartNotes(config, this.#started ?? config);
    this.#foundation.metrics.configLoaded(house.generation, true);
    for (const concern of clientNotes(house.demands, this.#foundation.clock()))
      this.#foundation.logger.warn({ concern }, 'client certificates need attention');
    // What an issuer or a setting that is gone vouched for is not trusted any longer.
    if (before !== undefined && !vouchesAlike(before, house)) {
      this.#foundation.cache.forgetAll();
      this.#streams.doubtAll();
    }
    if (before !== undefined) {
      this.#streams.reloaded(sharedRoutes(before, house));
      retire(before, house);
    }
    if (cellarBefore !== undefined && cellarBefore !== cellar) cellarBefore.close();
    // The CA looks for its answers on the doors.
    if (this.#doors !== undefined) {
      cellar.acme.start();
      void this.#teller.look();
    }
    this.#watch(config);
    this.#stopImporting();
    this.#stopImporting = await importAccounts(accountFile, this.#foundation);
  }

  /** Lets the parts that outlive generations follow the configuration. */
  #adjust({ authenticate, observe }: Config): void {
    this.#foundation.configure(authenticate);
    this.#log.logger.level = observe.level;
  }

  #corridorOf({ rooms, trusted, config }: House): Corridor {
    const { accessLog, securityLog, metrics } = this.#foundation;
    const recorder = makeRecorder({
      accessLog: config.observe.accessLog ? accessLog : undefined,
      securityLog,
      metrics,
    });
    const idleByRoute = new Map(config.routes.map((route) => [route.id, route.streamIdleMs]));
    const watch: Watch = {
      streams: this.#streams,
      onServed: (arrived, { status, bytesOut, aborted }) =>
        recorder.record({ arrived, status, bytesOut, aborted, endedAtMs: performance.now() }),
    };
    return {
      trusted,
      streamIdleMs: ({ route }) => (route === undefined ? 0 : (idleByRoute.get(route) ?? 0)),
      serve: (arrived, responder) => serve(rooms, arrived, responder, watch),
      refused: (failure, { peer, http }, id) =>
        recorder.recordRefused({
          id,
          peer,
          code: failure.code,
          detail: failure.detail ?? failure.reason,
          status: failure.status,
          http,
        }),
    };
  }

  #watch(config: Config): void {
    this.#stopWatching();
    const { configFile } = this.#options;
    if (configFile === undefined || this.#closing !== undefined) return;
    // The reload itself logs why it failed.
    const reload = (): void => void this.reload().catch(() => {});
    this.#stopWatching = watchFiles([resolve(configFile), ...config.files], reload);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const { logger } = this.#foundation;
    this.#stopWatching();
    await this.#turn;
    // Their leases are given back while the state can still be reached.
    this.#cellar?.acme.close();
    await this.#teller.close();
    this.#stopImporting();
    const cut = await this.#doors?.close(this.#house?.config.listen.drainMs ?? 0);
    if (cut !== undefined && cut > 0)
      logger.warn({ connections: cut }, 'connections were cut at the drain bound');
    await this.#admin?.close();
    if (this.#house !== undefined) {
      retire(this.#house, undefined);
      for (const upstream of this.#house.upstreams.values()) upstream.destroy();
    }
    this.#cellar?.close();
    await this.#foundation.close();
    logger.info({}, 'the gateway is closed');
    await this.#log.sink.close();
  }
}

/** Says, one note per problem, why the last reload failed. */
function failureNotes({ problems, detail, title }: GatewayError): readonly string[] {
  const told = problems.length > 0 ? problems : [detail ?? title];
  return told.map((problem) => `the last reload failed: ${problem}`);
}

function present<T>(part: T | undefined): T {
  if (part === undefined) throw new GatewayError('SP_INTERNAL', { detail: 'the house is not open yet' });
  return part;
}
