import { plainText } from './plain-text.ts';

/** A label and what it is of; each text has a line of its own. */
export type Labelled = readonly [label: string, texts: string | readonly string[] | undefined];

/** Gives lines with the labels in front, aligned; what is `undefined` or empty is left out. */
export function labelledLines(all: readonly Labelled[]): string {
  const rows = all.flatMap(([label, texts]) => {
    const lines = [texts ?? []].flat().filter((line) => line !== '');
    return lines.length === 0 ? [] : [{ label, lines }];
  });
  const width = Math.max(0, ...rows.map(({ label }) => label.length)) + 2;
  return rows
    .flatMap(({ label, lines }) =>
      lines.map((line, at) => `${(at === 0 ? label : '').padEnd(width)}${plainText(line)}\n`),
    )
    .join('');
}
