import { styleText } from 'node:util';
import { cutText } from './cut-text.ts';
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

export interface TableOptions extends Pick<ListOptions, 'columns'> {
  /** Least width of each column that may be cut to fit the terminal; the first one is cut first. */
  readonly shrink?: Readonly<Record<string, number>>;
}

const GAP = '  ';

/** Prints a list: a table for people, or JSON for scripts. */
export function printList(list: unknown, { json, columns }: ListOptions, shell: Shell): void {
  if (json === true) printJson(list, shell);
  else shell.out(formatTable(rowsOf(list), { columns }, shell));
}

/** Prints JSON for scripts. */
export function printJson(value: unknown, shell: Pick<Shell, 'out'>): void {
  shell.out(`${JSON.stringify(value, null, 2)}\n`);
}

/** Gives the objects of a JSON array; anything else in it is left out. */
export function rowsOf(list: unknown): Row[] {
  return Array.isArray(list)
    ? list.filter((item): item is Row => typeof item === 'object' && item !== null)
    : [];
}

/** Gives a table with aligned columns and a heading, as wide as the terminal at most if columns may be cut. */
export function formatTable(
  rows: readonly Row[],
  { columns, shrink = {} }: TableOptions,
  { colours, width }: Pick<Shell, 'colours' | 'width'>,
): string {
  if (rows.length === 0) return '(none)\n';
  const cells = rows.map((row) => columns.map((column) => cellOf(column, row[column])));
  const natural = columns.map((column, at) =>
    Math.max(column.length, ...cells.map((row) => row[at]?.length ?? 0)),
  );
  const widths = fit(natural, columns, shrink, width);
  const line = (row: readonly string[]) =>
    row
      .map((cell, at) => cutText(cell, widths[at] ?? 0).padEnd(widths[at] ?? 0))
      .join(GAP)
      .trimEnd();
  const heading = line(columns);
  const styled = colours ? styleText('bold', heading, { validateStream: false }) : heading;
  return `${[styled, ...cells.map(line)].join('\n')}\n`;
}

function fit(
  natural: readonly number[],
  columns: readonly string[],
  shrink: Readonly<Record<string, number>>,
  width: number | undefined,
): readonly number[] {
  const widths = [...natural];
  if (width === undefined) return widths;
  let over = widths.reduce((sum, one) => sum + one, GAP.length * (widths.length - 1)) - width;
  for (const [column, least] of Object.entries(shrink)) {
    const at = columns.indexOf(column);
    const given = Math.min(
      Math.max(over, 0),
      Math.max((widths[at] ?? 0) - Math.max(least, column.length), 0),
    );
    widths[at] = (widths[at] ?? 0) - given;
    over -= given;
  }
  return widths;
}

function cellOf(column: string, value: unknown): string {
  if (value === undefined || value === null || value === '') return '-';
  if (typeof value === 'number' && column.endsWith('Sec'))
    return new Date(value * 1000).toISOString().slice(0, 19);
  if (Array.isArray(value)) return plainText(value.length === 0 ? '-' : value.join(','));
  return plainText(typeof value === 'object' ? JSON.stringify(value) : String(value)).replaceAll(/\s+/g, ' ');
}
