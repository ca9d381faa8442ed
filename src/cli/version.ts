import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Shell } from './shell.ts';

/** Gives the version of the package that this file belongs to. */
export function packageVersion(): string {
  const parsed: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return typeof parsed === 'object' && parsed !== null && 'version' in parsed
    ? String(parsed.version)
    : 'unknown';
}

/** Adds `version`: ours, the runtime's, and that of its TLS library. */
export function addVersionCommand(program: Command, shell: Shell): void {
  program
    .command('version')
    .description('print versions')
    .action(() => {
      const { node, openssl } = process.versions;
      shell.out(`sallyport ${packageVersion()} (node ${node}, openssl ${openssl})\n`);
    });
}
