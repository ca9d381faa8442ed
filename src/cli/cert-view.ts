import type { Shell } from './shell.ts';
import { formatTable, type Row, rowsOf } from './table.ts';

const DAY_MS = 24 * 3600_000;
const COLUMNS = ['name', 'names', 'ends', 'key', 'source', 'fingerprint'];
/** Enough of a fingerprint to tell two apart by eye. */
const SHORT = 23;

/** Prints what is served: a table with the days that are left, or JSON for scripts. */
export function printCertificates(list: unknown, json: boolean | undefined, shell: Shell): void {
  if (json === true) {
    shell.out(`${JSON.stringify(list, null, 2)}\n`);
    return;
  }
  const rows = rowsOf(list).map((row) => ({
    ...row,
    ends: endOf(row),
    key: row.keyType,
    fingerprint: String(row.fingerprint256).slice(0, SHORT),
  }));
  shell.out(formatTable(rows, COLUMNS, shell.colours));
}

/** Prints one certificate, a line for each thing to know, or JSON for scripts. */
export function printCertificate(row: Row, json: boolean | undefined, shell: Shell): void {
  if (json === true) {
    shell.out(`${JSON.stringify(row, null, 2)}\n`);
    return;
  }
  const lines: readonly (readonly [string, unknown])[] = [
    ['name', row.name],
    ['names', Array.isArray(row.names) ? row.names.join(', ') : row.names],
    ['begins', dayOf(row.notBefore)],
    ['ends', endOf(row)],
    ['key', row.keyType],
    ['source', row.source],
    ['fingerprint', row.fingerprint256],
  ];
  const rows = lines.map(([what, value]) => ({ what, value }));
  shell.out(formatTable(rows, ['what', 'value'], shell.colours));
}

/** Prints what a rotation or a rollback did, and who confirmed it. */
export function printRotation(answer: unknown, json: boolean | undefined, shell: Shell): void {
  if (json === true) {
    shell.out(`${JSON.stringify(answer, null, 2)}\n`);
    return;
  }
  const { name, fingerprint256, previous, confirmedBy, missing } = Object(answer);
  shell.out(`${name} now serves ${fingerprint256}\n`);
  if (previous !== undefined) shell.out(`before: ${previous} (undo with: sallyport cert rollback ${name})\n`);
  if (Array.isArray(confirmedBy)) shell.out(`confirmed by ${counted(confirmedBy)}\n`);
  if (!Array.isArray(missing) || missing.length === 0) return;
  shell.out(`not reached: ${counted(missing)}; whichever of them still runs serves what it served before\n`);
}

function counted(processes: readonly unknown[]): string {
  return `${processes.length === 1 ? '1 process' : `${processes.length} processes`}: ${processes.join(', ')}`;
}

function dayOf(moment: unknown): string {
  return String(moment).slice(0, 10);
}

function endOf({ notAfter }: Row): string {
  const days = Math.floor((Date.parse(String(notAfter)) - Date.now()) / DAY_MS);
  if (Number.isNaN(days)) return String(notAfter);
  if (days < 0) return `${dayOf(notAfter)} (over)`;
  return `${dayOf(notAfter)} (${days === 1 ? '1 day' : `${days} days`})`;
}
