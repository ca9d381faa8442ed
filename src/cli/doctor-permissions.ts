import { statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import { type Finding, finding } from './diagnosis.ts';

/** Tells which private files may be read by others. Files that are not there yet are fine: they are made with mode 0600. */
export function examinePermissions(config: Config, dataFolder: string): Finding[] {
  const keys = config.certificates.flatMap(({ source }) => (source.kind === 'files' ? [source.key] : []));
  const own = ['admin-token', 'dev-ca.key'].map((name) => join(dataFolder, name));
  const files = [...new Set([config.state.keyFile, ...own, ...keys])];
  return files.flatMap((file) => {
    const found = statSync(file, { throwIfNoEntry: false });
    if (found === undefined) return [];
    const open = (found.mode & 0o077) !== 0;
    return [
      open
        ? finding('fail', 'permissions', `${file} may be read by others; run: chmod 600 ${file}`)
        : finding('ok', 'permissions', `${file} is private`),
    ];
  });
}
