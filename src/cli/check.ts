import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import type { ConfigProblem } from '../config/config.ts';
import { readConfig } from '../config/load.ts';
import { DEFAULT_CONFIG } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import { plainText } from './plain-text.ts';
import type { Shell } from './shell.ts';

interface CheckFlags {
  readonly config?: string;
  readonly json?: boolean;
}

/** Adds `check`: every problem of a configuration at once. @param fail - called when it cannot be used */
export function addCheckCommand(program: Command, shell: Shell, fail: () => void): void {
  program
    .command('check')
    .description('check a configuration and print every problem')
    .option('-c, --config <file>', `configuration file (default: ${DEFAULT_CONFIG})`)
    .option('--json', 'JSON for scripts')
    .action((flags: CheckFlags) => {
      const file = resolve(shell.folder, flags.config ?? DEFAULT_CONFIG);
      if (!existsSync(file))
        throw new Complaint('There is no configuration file', {
          where: file,
          remedy: 'name one with -c FILE',
        });
      const { config, problems } = readConfig(file, shell.env);
      if (flags.json === true) shell.out(`${JSON.stringify(problems, null, 2)}\n`);
      else for (const problem of problems) shell.out(formatProblem(problem));
      if (config === undefined) fail();
      else if (flags.json !== true) shell.out(`${file}: ${config.routes.length} routes, ready to run\n`);
    });
}

/** Gives the file that `start` runs: the named one, `sallyport.yaml` when it is there, or `undefined`: the demonstration. */
export function findConfig(named: string | undefined, shell: Shell): string | undefined {
  if (named !== undefined) return resolve(shell.folder, named);
  const file = join(shell.folder, DEFAULT_CONFIG);
  return existsSync(file) ? file : undefined;
}

/** Gives `file:line:column path: message` and the hint on a line of its own. */
export function formatProblem({ file, line, column, path, message, hint, severity }: ConfigProblem): string {
  const place = [file, line, column].filter((part) => part !== undefined).join(':');
  const at = path === '' ? '' : ` ${path}`;
  const note = severity === 'warning' ? 'warning: ' : '';
  const text = `${place}${at}: ${note}${message}\n${hint === undefined ? '' : `    hint: ${hint}\n`}`;
  return plainText(text);
}
