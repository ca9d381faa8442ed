import { firstFew } from '../lib/first-few.ts';
import { expiryWords } from './expiry-words.ts';
import { plainText } from './plain-text.ts';
import type { Shell } from './shell.ts';
import { formatTable, printJson, type Row, rowsOf } from './table.ts';

const COLUMNS = ['name', 'names', 'ends', 'key', 'source'];
/** From this width on there is room for a fingerprint, of which the first bytes can be compared by eye. */
const ROOMY = 100;
const SHRINK = { fingerprint: 12, names: 20, name: 12 };
const SHORT = 23;
const FIRST_NAMES = 2;

/** Prints what is served: a table with the days that are left and what is wrong below it, or JSON for scripts. */
export function printCertificates(list: unknown, json: boolean | undefined, shell: Shell): void {
  if (json === true) {
    printJson(list, shell);
    return;
  }
  const rows = rowsOf(list);
  const table = rows.map((row) => ({
    name: row.name,
    names: Array.isArray(row.names) ? firstFew(row.names.map(String), FIRST_NAMES) : row.names,
    ends: expiryWords(row.notAfter, Date.now()),
    key: row.keyType,
    source: row.served === false ? `${row.source}, not served` : row.source,
    fingerprint: String(row.fingerprint256).slice(0, SHORT),
  }));
  const columns = shell.width === undefined || shell.width >= ROOMY ? [...COLUMNS, 'fingerprint'] : COLUMNS;
  shell.out(formatTable(table, { columns, shrink: SHRINK }, shell));
  for (const row of rows) shell.out(problemLines(row));
}

function problemLines({ name, served, problems }: Row): string {
  if (!Array.isArray(problems) || problems.length === 0) return '';
  const what = served === false ? 'is not served' : 'has an upload that is not served';
  return plainText(`\n${[`${name} ${what}:`, ...problems.map((text) => `  - ${text}`)].join('\n')}\n`);
}

/** Prints what a rotation or a rollback did, and who confirmed it. */
export function printRotation(answer: unknown, json: boolean | undefined, shell: Shell): void {
  if (json === true) {
    printJson(answer, shell);
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
