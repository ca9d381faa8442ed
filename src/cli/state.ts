import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { replaceFile } from '../certificates/private-file.ts';
import { Vault } from '../certificates/vault.ts';
import type { Config } from '../config/config.ts';
import { readConfig } from '../config/load.ts';
import { systemClock } from '../lib/clock.ts';
import { silentLogger } from '../lib/logger.ts';
import { openStore } from '../state/open-store.ts';
import { resealAll } from '../state/reseal.ts';
import { loadStateKey } from '../state/state-key.ts';
import { DEFAULT_CONFIG } from './admin-options.ts';
import { Complaint } from './complaint.ts';
import type { Shell } from './shell.ts';

interface RekeyFlags {
  readonly config: string;
  readonly newKeyFile?: string;
  readonly forget?: boolean;
}

/** Adds `state rekey`. */
export function addStateCommand(program: Command, shell: Shell): void {
  program
    .command('state')
    .description('what the gateway keeps')
    .command('rekey')
    .description('seal everything that is kept with another key; gateways on this machine go on')
    .option('-c, --config <file>', 'configuration file', DEFAULT_CONFIG)
    .option('--new-key-file <file>', 'the new key, 32 bytes as base64 or hex (or SALLYPORT_NEW_STATE_KEY)')
    .option('--forget', 'drop the old keys from the key file when nothing needs them any more')
    .action((flags: RekeyFlags) => rekey(flags, shell));
}

/** The new key goes in front of the key file and the old ones stay behind it, so that being cut off anywhere does no harm. */
async function rekey(flags: RekeyFlags, shell: Shell): Promise<void> {
  const file = resolve(shell.folder, flags.config);
  const { config } = readConfig(file, shell.env);
  if (config === undefined) throw new Complaint('The configuration has errors', { where: file });
  const { key, keyFile } = config.state;
  const added = newKey(flags, shell);
  if (added !== undefined) {
    if (key !== undefined) {
      throw new Complaint('The key is in the configuration, not in a file', {
        remedy:
          'write the new key in front of the old one there, restart, and run this without --new-key-file',
      });
    }
    const present = linesOf(readFileSync(keyFile, 'utf8'));
    await replaceFile(keyFile, textOf([added, ...present.filter((line) => line !== added)]), 0o600);
  }
  const moved = await moveAll(config);
  shell.out(`${moved === 1 ? '1 record was' : `${moved} records were`} sealed anew\n`);
  if (flags.forget === true && key === undefined) {
    const [first = ''] = linesOf(readFileSync(keyFile, 'utf8'));
    await replaceFile(keyFile, textOf([first]), 0o600);
    shell.out('the old keys are forgotten\n');
  } else {
    shell.out('the old key still opens; when every machine has the new one, run this again with --forget\n');
  }
}

async function moveAll(config: Config): Promise<number> {
  const store = openStore({ url: config.state.url, clock: systemClock, logger: silentLogger });
  try {
    const sealer = await loadStateKey({ ...config.state, store, logger: silentLogger });
    const { moved, unreadable } = await resealAll(store.records, sealer);
    const vault = new Vault({ records: store.records, sealer });
    const broken: string[] = [...unreadable];
    const deposits = await vault.all(({ name }) => broken.push(`certificate/${name}`));
    for (const deposit of deposits) await vault.put(deposit.name, deposit, deposit.version);
    if (broken.length > 0) throw new Complaint('No key at hand opens these records', { problems: broken });
    return moved + deposits.length;
  } finally {
    await store.close();
  }
}

function newKey({ newKeyFile }: RekeyFlags, shell: Shell): string | undefined {
  const text =
    newKeyFile === undefined
      ? shell.env.SALLYPORT_NEW_STATE_KEY
      : readFileSync(resolve(shell.folder, newKeyFile), 'utf8');
  if (text === undefined || text.trim() === '') return undefined;
  const key = text.trim();
  if (/^([0-9a-f]{64}|[A-Za-z0-9+/_-]{43}=?)$/i.test(key)) return key;
  throw new Complaint('The new key is not 32 bytes as base64 or hex');
}

function linesOf(text: string): readonly string[] {
  return text.split(/\s+/).filter((line) => line !== '');
}

function textOf(keys: readonly string[]): string {
  return `${keys.join('\n')}\n`;
}
