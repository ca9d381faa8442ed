import type { Command } from 'commander';
import { makeAdminClient } from './admin-client.ts';
import { type AdminFlags, findAdmin, withAdminOptions } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';
import { splitList } from './split-list.ts';
import { printList } from './table.ts';

interface AddFlags extends AdminFlags {
  readonly groups?: string;
  readonly email?: string;
  readonly passwordStdin?: boolean;
}

/** Adds `user add | list | remove`. */
export function addUserCommand(program: Command, shell: Shell): void {
  const user = program.command('user').description('accounts of the gateway');

  withAdminOptions(user.command('add <name>'))
    .description('make an account, or give it another password and groups')
    .option('--groups <names>', 'groups, separated by commas')
    .option('--email <address>', 'e-mail address')
    .option('--password-stdin', 'read the password from the first line of the standard input')
    .action(async (name: string, flags: AddFlags) => {
      const client = makeAdminClient(findAdmin(flags, shell));
      const password = await readPassword(flags.passwordStdin === true, shell);
      const account = {
        password,
        ...(flags.groups === undefined ? {} : { groups: splitList(flags.groups) }),
        ...(flags.email === undefined ? {} : { email: flags.email }),
      };
      await client.call('PUT', `/v1/users/${encodeURIComponent(name)}`, account);
      shell.out(`${name} may sign in now\n`);
    });

  withAdminOptions(user.command('list'))
    .description('list the accounts')
    .option('--json', 'JSON for scripts')
    .action(async (flags: AdminFlags) => {
      const list = await makeAdminClient(findAdmin(flags, shell)).call('GET', '/v1/users');
      printList(list, { json: flags.json, columns: ['name', 'groups', 'email', 'createdAtSec'] }, shell);
    });

  withAdminOptions(user.command('remove <name>'))
    .description('remove an account and end its sessions')
    .action(async (name: string, flags: AdminFlags) => {
      await makeAdminClient(findAdmin(flags, shell)).call('DELETE', `/v1/users/${encodeURIComponent(name)}`);
      shell.out(`${name} is removed\n`);
    });
}

async function readPassword(fromInput: boolean, shell: Shell): Promise<string> {
  if (fromInput) {
    const line = (await shell.readInput()).split(/\r?\n/, 1)[0] ?? '';
    if (line === '') throw new Complaint('The standard input holds no password');
    return line;
  }
  const first = await shell.askHidden('Password: ');
  if (first === undefined) {
    throw new Complaint('There is no terminal to ask for the password', { remedy: 'use --password-stdin' });
  }
  if (first === '') throw new Complaint('The password is empty');
  if ((await shell.askHidden('Again: ')) !== first) throw new Complaint('The two passwords differ');
  return first;
}
