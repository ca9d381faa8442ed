import { resolve } from 'node:path';
import type { Command } from 'commander';
import { DEFAULT_CONFIG, DEFAULT_DATA } from './admin-options.ts';
import { demonstrationBanner, selfCommand } from './banner.ts';
import { findConfig } from './check.ts';
import { printCrash } from './print-crash.ts';
import { printFailure } from './print-failure.ts';
import { runtimeFloor } from './runtime-floor.ts';
import type { Shell } from './shell.ts';

export interface StartOptions {
  /** `undefined` runs the demonstration. */
  readonly configFile: string | undefined;
  readonly dataFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Tells the person who starts it something; one line without line feed. */
  readonly print: (line: string) => void;
}

/** A house that runs. */
export interface RunningGateway {
  reload(): Promise<unknown>;
  /** Drains within the configured bound. */
  close(): Promise<void>;
  readonly urls: { readonly https: readonly string[]; readonly admin: string };
  readonly demonstration?: { readonly user: string; readonly password: string } | undefined;
}

type StartGateway = (options: StartOptions) => Promise<RunningGateway>;

interface StartFlags {
  readonly config?: string;
  readonly data: string;
}

/** Adds `start`. */
export function addStartCommand(program: Command, shell: Shell): void {
  program
    .command('start')
    .description('run the gateway; without a configuration file, a demonstration')
    .option('-c, --config <file>', `configuration file (default: ${DEFAULT_CONFIG} when it is there)`)
    .option('--data <folder>', 'folder of keys and state', DEFAULT_DATA)
    .action(async (flags: StartFlags) => {
      warnAboutRuntime(shell);
      const gateway = await startHouse({
        configFile: findConfig(flags.config, shell),
        dataFolder: resolve(shell.folder, flags.data),
        env: shell.env,
        print: (line) => shell.err(`${line}\n`),
      });
      if (gateway.demonstration !== undefined) {
        shell.err(
          demonstrationBanner({
            urls: gateway.urls,
            demonstration: gateway.demonstration,
            dataFolder: flags.data,
            self: selfCommand(shell.folder),
            tokenInEnv: (shell.env.SALLYPORT_ADMIN_TOKEN ?? '') !== '',
          }),
        );
      }
      await runUntilStopped(gateway, shell);
    });
}

/** Imported late: `check`, `version` and the rest need not load the house. */
async function startHouse(options: StartOptions): Promise<RunningGateway> {
  const { startGateway }: { readonly startGateway: StartGateway } = await import('../gateway.ts');
  return startGateway(options);
}

function warnAboutRuntime(shell: Shell): void {
  const floor = runtimeFloor(process.versions.node);
  if (floor === undefined) return;
  shell.err(
    `warning: Node ${process.versions.node} has known vulnerabilities; run ${floor} or newer in production\n`,
  );
}

/**
 * Resolves when the house is closed. SIGHUP reloads; the first SIGTERM or SIGINT drains; a second SIGINT ends at once.
 *
 * Something thrown that nobody caught ends the process with 1: after it nobody knows what is true any more, and whoever
 * runs the gateway starts it again.
 */
export function runUntilStopped(gateway: RunningGateway, shell: Shell): Promise<void> {
  return new Promise((resolveStop, reject) => {
    let stopping = false;
    const offCrash = shell.onCrash((thrown) => {
      printCrash(thrown, shell);
      shell.quit(1);
    });
    const off = shell.onSignal((signal) => {
      if (signal === 'SIGHUP') {
        // The running house goes on when a reload fails; the reason is all there is to do about it.
        gateway.reload().catch((error: unknown) => printFailure(error, shell));
      } else if (!stopping) {
        stopping = true;
        gateway
          .close()
          .finally(() => {
            off();
            offCrash();
          })
          .then(resolveStop, reject);
      } else if (signal === 'SIGINT') {
        shell.quit(130);
      }
    });
  });
}
