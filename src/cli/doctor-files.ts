import { X509Certificate } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../config/config.ts';
import type { Clock } from '../lib/clock.ts';
import { type Finding, finding } from './diagnosis.ts';

const WARN_DAYS = 14;
const DAY_MS = 24 * 3600_000;

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

/** Tells when a certificate ends; a warning two weeks before, a failure after. */
export function expiryFinding(name: string, endsAtMs: number, clock: Clock): Finding {
  const days = Math.floor((endsAtMs - clock()) / DAY_MS);
  const day = new Date(endsAtMs).toISOString().slice(0, 10);
  if (days < 0) return finding('fail', 'certificate', `${name} ended on ${day}`);
  return finding(days < WARN_DAYS ? 'warn' : 'ok', 'certificate', `${name} ends on ${day}, in ${days} days`);
}

/** Tells when the certificates that come from files end. */
export function examineCertificates(config: Config, clock: Clock): Finding[] {
  return config.certificates.flatMap(({ name, source }) => {
    if (source.kind !== 'files') return [];
    try {
      const { validToDate } = new X509Certificate(readFileSync(source.certificate));
      return [expiryFinding(name, validToDate.getTime(), clock)];
    } catch {
      return [
        finding('fail', 'certificate', `${name}: ${source.certificate} cannot be read as a certificate`),
      ];
    }
  });
}
