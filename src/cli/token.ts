import type { Command } from 'commander';
import { parseDuration } from '../lib/duration.ts';
import { makeAdminClient } from './admin-client.ts';
import { type AdminFlags, findAdmin, withAdminOptions } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { splitList } from './split-list.ts';

interface IssueFlags extends AdminFlags {
  readonly subject: string;
  readonly groups: string;
  readonly ttl: string;
}

/** Adds `token issue`: the bare token on stdout, so that `$(sallyport token issue ...)` works. */
export function addTokenCommand(program: Command, shell: Shell): void {
  const token = program.command('token').description('tokens of the gateway itself');

  withAdminOptions(token.command('issue'))
    .description('issue a token that is bound to a session')
    .requiredOption('--subject <name>', 'who bears it')
    .option('--groups <names>', 'groups, separated by commas', '')
    .option('--ttl <duration>', 'life, e.g. 30m', '1h')
    .option('--json', 'the whole answer as JSON')
    .action(async (flags: IssueFlags) => {
      const ttlMs = parseDuration(flags.ttl);
      if (ttlMs === undefined || ttlMs < 1000) {
        throw new Complaint(`--ttl ${flags.ttl} is not a duration of at least a second`, {
          remedy: 'write e.g. 30m or 12h',
        });
      }
      const order = {
        subject: flags.subject,
        groups: splitList(flags.groups),
        ttlSec: Math.floor(ttlMs / 1000),
      };
      const issued = await makeAdminClient(findAdmin(flags, shell)).call('POST', '/v1/tokens', order);
      if (flags.json === true) shell.out(`${JSON.stringify(issued, null, 2)}\n`);
      else shell.out(`${accessToken(issued)}\n`);
    });
}

function accessToken(issued: unknown): string {
  if (typeof issued === 'object' && issued !== null && 'access_token' in issued)
    return String(issued.access_token);
  throw new Complaint('The gateway gave no token');
}
