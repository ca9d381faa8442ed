import type { Command } from 'commander';
import { Complaint } from './complaint.ts';
import { readGiven } from './read-given.ts';
import type { Shell } from './shell.ts';

/** Where the passphrase of a key comes from. Security: never from an argument, which every user of the machine can read. */
export interface PassphraseFlags {
  readonly passphraseFile?: string;
  readonly passphraseStdin?: boolean;
}

/** Adds `--passphrase-file` and `--passphrase-stdin` to a command. */
export function withPassphraseOptions(command: Command): Command {
  return command
    .option('--passphrase-file <file>', 'read the passphrase of the key from the first line of a file')
    .option('--passphrase-stdin', 'read it from the first line of the standard input');
}

/**
 * Gives the passphrase that the options name, or that a person types when the key is encrypted; `undefined` when there is none.
 *
 * @throws Complaint when the key is encrypted and there is nobody to ask
 */
export async function findPassphrase(
  { passphraseFile, passphraseStdin }: PassphraseFlags,
  encrypted: boolean,
  shell: Shell,
): Promise<string | undefined> {
  if (passphraseFile !== undefined && passphraseStdin === true)
    throw new Complaint('Name --passphrase-file or --passphrase-stdin, not both');
  if (passphraseStdin === true) return firstLine(await shell.readInput());
  if (passphraseFile !== undefined) return firstLine(readGiven(passphraseFile, shell).toString());
  if (!encrypted) return undefined;
  const typed = await shell.askHidden('Passphrase of the key: ');
  if (typed !== undefined) return firstLine(typed);
  throw new Complaint('The key is encrypted and there is no terminal to ask for its passphrase', {
    remedy: 'use --passphrase-file FILE or --passphrase-stdin',
  });
}

function firstLine(text: string): string | undefined {
  const [line = ''] = text.split(/\r?\n/, 1);
  return line === '' ? undefined : line;
}
