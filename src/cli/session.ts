import type { Command } from 'commander';
import { makeAdminClient } from './admin-client.ts';
import { type AdminFlags, findAdmin, withAdminOptions } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { printList } from './table.ts';

interface SessionFlags extends AdminFlags {
  readonly user?: string;
  readonly keys?: boolean;
}

const COLUMNS = ['id', 'user', 'groups', 'address', 'device', 'lastSeenSec', 'expiresAtSec'];

/** Adds `session list | revoke`. */
export function addSessionCommand(program: Command, shell: Shell): void {
  const session = program.command('session').description('live sessions');

  withAdminOptions(session.command('list'))
    .description('list the live sessions')
    .option('--user <name>', 'only those of one user')
    .option('--json', 'JSON for scripts')
    .action(async (flags: SessionFlags) => {
      const list = await makeAdminClient(findAdmin(flags, shell)).call(
        'GET',
        `/v1/sessions${userQuery(flags)}`,
      );
      printList(list, { json: flags.json, columns: COLUMNS }, shell);
    });

  withAdminOptions(session.command('revoke [id]'))
    .description('end one session, or all of a user')
    .option('--user <name>', 'all sessions of this user')
    .option('--keys', 'with --user: the app passwords as well')
    .action(async (id: string | undefined, flags: SessionFlags) => {
      if ((id === undefined) === (flags.user === undefined)) {
        throw new Complaint('Name one session, or a user with --user');
      }
      if (flags.keys === true && flags.user === undefined) throw new Complaint('--keys goes with --user');
      const client = makeAdminClient(findAdmin(flags, shell));
      if (id !== undefined) {
        await client.call('DELETE', `/v1/sessions/${encodeURIComponent(id)}`);
        shell.out('1 session ended\n');
        return;
      }
      const keys = flags.keys === true ? '&keys=true' : '';
      const answer = await client.call('DELETE', `/v1/sessions${userQuery(flags)}${keys}`);
      const ended = typeof answer === 'object' && answer !== null && 'ended' in answer ? answer.ended : 0;
      shell.out(`${ended} ${ended === 1 ? 'session' : 'sessions'} ended\n`);
    });
}

function userQuery({ user }: SessionFlags): string {
  return user === undefined ? '' : `?user=${encodeURIComponent(user)}`;
}
