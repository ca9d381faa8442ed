import type { Command } from 'commander';
import { parseDuration } from '../lib/duration.ts';
import { makeAdminClient } from './admin-client.ts';
import { type AdminFlags, findAdmin, withAdminOptions } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { splitList } from './split-list.ts';
import { printList } from './table.ts';

interface AddFlags extends AdminFlags {
  readonly name: string;
  readonly routes?: string;
  readonly methods?: string;
  readonly addresses?: string;
  readonly life?: string;
}

interface ListFlags extends AdminFlags {
  readonly owner?: string;
}

const COLUMNS = ['id', 'owner', 'name', 'routes', 'methods', 'addresses', 'lastUsedSec', 'expiresAtSec'];

/** Adds `key add | list | revoke`. */
export function addKeyCommand(program: Command, shell: Shell): void {
  const key = program.command('key').description('app passwords for programs');

  withAdminOptions(key.command('add <owner>'))
    .description('make an app password for an account; it is printed once')
    .requiredOption('--name <text>', 'what it is for')
    .option('--routes <list>', 'only these: ids of routes, host, or host/path, separated by commas')
    .option('--methods <list>', 'only these HTTP methods')
    .option('--addresses <list>', 'only from these CIDRs')
    .option('--life <duration>', 'ends after, e.g. 90d; default the longest that is allowed')
    .action(async (owner: string, flags: AddFlags) => {
      const order = { owner, name: flags.name, ...boundsOf(flags), ...lifeOf(flags) };
      const made = await makeAdminClient(findAdmin(flags, shell)).call('POST', '/v1/api-keys', order);
      if (typeof made !== 'object' || made === null || !('key' in made))
        throw new Complaint('No key came back');
      shell.err('It is shown this once; keep it where secrets are kept.\n');
      shell.out(`${String(made.key)}\n`);
    });

  withAdminOptions(key.command('list'))
    .description('list the app passwords')
    .option('--owner <name>', 'only those of one owner')
    .option('--json', 'JSON for scripts')
    .action(async (flags: ListFlags) => {
      const query = flags.owner === undefined ? '' : `?owner=${encodeURIComponent(flags.owner)}`;
      const list = await makeAdminClient(findAdmin(flags, shell)).call('GET', `/v1/api-keys${query}`);
      printList(list, { json: flags.json, columns: COLUMNS }, shell);
    });

  withAdminOptions(key.command('revoke <id>'))
    .description('end an app password')
    .action(async (id: string, flags: AdminFlags) => {
      await makeAdminClient(findAdmin(flags, shell)).call('DELETE', `/v1/api-keys/${encodeURIComponent(id)}`);
      shell.out('1 app password ended\n');
    });
}

function boundsOf({ routes, methods, addresses }: AddFlags): Readonly<Record<string, readonly string[]>> {
  return {
    ...(routes !== undefined && { routes: splitList(routes) }),
    ...(methods !== undefined && { methods: splitList(methods) }),
    ...(addresses !== undefined && { addresses: splitList(addresses) }),
  };
}

function lifeOf({ life }: AddFlags): { readonly lifeSec?: number } {
  if (life === undefined) return {};
  const lifeMs = parseDuration(life);
  if (lifeMs === undefined || lifeMs < 1000) throw new Complaint('--life is a duration such as 12h or 90d');
  return { lifeSec: Math.floor(lifeMs / 1000) };
}
