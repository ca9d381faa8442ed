import { styleText } from 'node:util';
import { plainText } from './plain-text.ts';
import type { Shell } from './shell.ts';

/** A row as it came from JSON. */
export type Row = Readonly<Record<string, unknown>>;

export interface ListOptions {
  /** JSON instead of a table. */
  readonly json?: boolean | undefined;
  /** Keys of the columns, in order. */
  readonly columns: readonly string[];
}

/** Prints a list: a table for people, or JSON for scripts. */
export function printList(list: unknown, { json, columns }: ListOptions, shell: Shell): void {
  if (json === true) shell.out(`${JSON.stringify(list, null, 2)}\n`);
  else shell.out(formatTable(rowsOf(list), columns, shell.colours));
}

/** Gives the objects of a JSON array; anything else in it is left out. */
export function rowsOf(list: unknown): Row[] {
  return Array.isArray(list)
    ? list.filter((item): item is Row => typeof item === 'object' && item !== null)
    : [];
}

/** Gives a table with aligned columns and a heading. */
export function formatTable(rows: readonly Row[], columns: readonly string[], colours: boolean): string {
  if (rows.length === 0) return '(none)\n';
  const cells = rows.map((row) => columns.map((column) => cellOf(column, row[column])));
  const widths = columns.map((column, at) =>
    Math.max(column.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd();
  const heading = line(columns);
  const styled = colours ? styleText('bold', heading, { validateStream: false }) : heading;
  return `${[styled, ...cells.map(line)].join('\n')}\n`;
}

function cellOf(column: string, value: unknown): string {
  if (value === undefined || value === null) return '-';
  if (typeof value === 'number' && column.endsWith('Sec'))
    return new Date(value * 1000).toISOString().slice(0, 19);
  if (Array.isArray(value)) return plainText(value.length === 0 ? '-' : value.join(','));
  return plainText(typeof value === 'object' ? JSON.stringify(value) : String(value)).replaceAll(/\s+/g, ' ');
}
